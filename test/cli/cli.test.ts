import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { postrider as runPostrider } from './run.ts';

let api: TestApi;
let env: Record<string, string>;
beforeAll(async () => {
  api = await startTestApi();
  env = { POSTRIDER_URL: api.origin, POSTRIDER_API_KEY: api.key };
});
afterAll(() => api.close());

const postrider = (argv: readonly string[], options = {}) => runPostrider(argv, { env, ...options });
const json = async (...argv: string[]) => {
  const { code, out, err } = await postrider([...argv, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
};

const url = 'https://receiver.example/hooks';
const create = (...more: string[]) => json('webhooks', 'create', url, '-e', 'message.read', ...more);

describe('webhooks', () => {
  test('are registered with options and fields, listed, shown, changed and deleted', async () => {
    const made = await create('--channel', 'c1', '--set', '{"rate_limit": 50}', '--profile', 'standard');
    expect(made).toMatchObject({
      url,
      events: ['message.read'],
      channels: ['c1'],
      rate_limit: 50,
      profile: 'standard',
    });
    const { out } = await postrider(['webhooks', 'list']);
    expect(out).toMatch(/^WEBHOOK +ENDPOINT +PROFILE +EVENTS +URL\n/);
    expect(out).toContain(made.id);
    expect((await postrider(['webhooks', 'show', made.id])).out).toMatch(/^rate limit +50 a second$/m);
    const changed = await json('webhooks', 'update', made.id, '-e', '*', '--endpoint', `${url}/2`);
    expect(changed).toMatchObject({ url: `${url}/2`, events: ['*'], channels: ['c1'] });
    expect(await postrider(['webhooks', 'delete', made.id, '--yes'])).toMatchObject({ code: 0 });
    expect(await postrider(['webhooks', 'show', made.id])).toEqual({
      code: 1,
      out: '',
      err: 'postrider: There is no such webhook (404)\n',
    });
  });

  test('without a URL are pulled', async () => {
    const made = await json('webhooks', 'create', '--pull', '-e', 'message.read');
    expect(made.url).toBeNull();
    expect((await postrider(['webhooks', 'show', made.id])).out).toMatch(/^url +none: it is pulled$/m);
  });

  test('show their secrets only where they are asked for', async () => {
    const hidden = await create();
    expect(hidden.secret).toBe('•••');
    const rotated = await postrider(['webhooks', 'rotate-secret', hidden.id, '--overlap', '60']);
    expect(rotated.out).toMatch(/2 sign now/);
    for (const { out } of [await postrider(['webhooks', 'show', hidden.id]), rotated]) {
      expect(out).not.toContain('whsec_');
    }
    const secret = (await postrider(['webhooks', 'secret', hidden.id])).out.trim();
    expect(secret).toMatch(/^whsec_/);
    expect((await create('--show-secret')).secret).toMatch(/^whsec_/);
  });

  test('a setting that does not do is told by its field, and nothing is stored', async () => {
    const before = (await json('webhooks', 'list')).length;
    const { code, err } = await postrider(['webhooks', 'create', 'ftp://x', '-e', 'a b']);
    expect(code).toBe(1);
    expect(err).toMatch(/^postrider: .*\/events\/0 must be.*\(422\)\n$/);
    expect((await json('webhooks', 'list')).length).toBe(before);
  });
});

describe('send and deliveries', () => {
  test('an event is posted once whatever is repeated, and its deliveries are found', async () => {
    const webhook = await create();
    const send = ['send', 'message.read', '-d', '-', '--id', 'read-1', '--json'];
    for (let time = 0; time < 2; time += 1) {
      const { code, out } = await postrider(send, { input: '{"message_id": "m1"}' });
      expect({ code, id: JSON.parse(out).id }).toEqual({ code: 0, id: 'read-1' });
    }
    const found = await json('deliveries', 'list', '--webhook', webhook.id, '--since', '1h', '-n', '1');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ event_id: 'read-1', status: 'pending' });
    const shown = await postrider(['deliveries', 'show', found[0].id, '--bodies']);
    expect(shown.out).toMatch(/^status +pending$/m);
    expect(shown.out).toContain('no attempt has been made');
    expect((await postrider(['deliveries', 'retry', found[0].id])).out).toMatch(/^att_\w+ is on its way/);
    expect((await postrider(['deliveries', 'cancel', found[0].id])).out).toBe(
      `${found[0].id} is cancelled\n`,
    );
    expect((await postrider(['send', 'message.read', '--id', 'read-1'])).err).toMatch(/\/id was used before/);
  });

  test('waiting ends with 1 when what was sent is not delivered in time', async () => {
    await create();
    const { code, err } = await postrider(['send', 'message.read', '--wait', '--timeout', '0']);
    expect(code).toBe(1);
    expect(err).toMatch(/^postrider: \S+ has not been delivered within 0 s: dlv_\w+ is pending/);
  });

  test('an event may be sent later, and until a time', async () => {
    const sent = ['send', 'message.read', '--id', 'later-1', '--deliver-at', '2h', '--expires-at', '3h'];
    expect((await postrider(sent)).out).toBe('later-1 is stored, and goes out in its time\n');
    const waiting = await postrider([...sent.slice(0, 2), '--deliver-at', '1d', '--wait', '--timeout', '0']);
    expect(waiting).toMatchObject({ code: 1, err: expect.stringMatching(/ is scheduled\n$/) });
    const { json: event } = await api.request('GET', '/v1/events/later-1');
    expect(Date.parse(event.deliver_at) - Date.now()).toBeGreaterThan(7_000_000);
    expect((await postrider(['send', 'message.read', '--expires-at', '2020-01-01T00:00:00Z'])).err).toMatch(
      /\/expires_at /,
    );
  });

  test('Ctrl-C ends it with 130', async () => {
    const { code, err } = await postrider(['webhooks', 'list'], { signal: AbortSignal.abort() });
    expect({ code, err }).toEqual({ code: 130, err: '' });
  });
});

test('a key that is none is told so, and is not shown', async () => {
  const { code, err } = await postrider(['webhooks', 'list', '--api-key', 'pk_4711']);
  expect(code).toBe(1);
  expect(err).toMatch(/\(401\) \(look at --api-key or POSTRIDER_API_KEY\)\n$/);
  expect(err).not.toContain('4711');
});
