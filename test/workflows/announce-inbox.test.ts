import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contactHash } from '../../db/inbox-lists.ts';
import { compileChild, startChild } from '../children/run-child.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, type Reply, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

/** Scaled, still longer than any test. */
const aWeekMs = 7 * 86_400_000;
const auth = { type: 'basic', username: 'yespo', password: 'pässword: 4711' };

let postrider: TestPostrider;
const receivers: Receiver[] = [];
beforeAll(async () => {
  postrider = await startTestPostrider();
});
afterAll(async () => {
  await postrider.close();
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

/** An account of its own, since an account's lists go to all its webhooks. */
async function newAccount(reply: (index: number) => Reply = () => 200, settings: object = { auth }) {
  const receiver = await startReceiver((_, index) => reply(index));
  receivers.push(receiver);
  const { json: account } = await postrider.request('POST', '/v1/accounts', { name: 'Tenant' });
  const headers = { authorization: `Bearer ${account.api_key}` };
  const request = (method: string, path: string, body?: unknown) =>
    postrider.request(method, path, body, headers);
  const webhook = (await request('POST', '/v1/webhooks', { url: receiver.url, ...settings })).json;
  const workflowOf = (contact: string) =>
    postrider.temporal.workflow.getHandle(`inbox/${account.id}/${contactHash(contact)}`);
  return {
    receiver,
    webhook,
    request,
    accountId: account.id as string,
    workflowOf,
    async post(body: object) {
      const answer = await request('POST', '/v1/inbox/messages', body);
      expect(answer.status, JSON.stringify(answer.json)).toBe(202);
      return answer.json;
    },
    listOf: async (contact: string) =>
      (await request('GET', `/v1/inbox/contacts/${encodeURIComponent(contact)}/messages`)).json,
    /** The one delivery of the latest list once it has that status. */
    deliveryIs: (status: string) =>
      waitFor(async () => {
        const { json } = await request('GET', '/v1/deliveries');
        return json.data[0]?.status === status ? json.data[0] : undefined;
      }, `the latest delivery to be ${status}`),
  };
}

const lastOf = ({ received }: Receiver) => JSON.parse(received.at(-1)?.body ?? '[]');

describe('the list of a contact', () => {
  it('goes out to the letter of the document: body, order, types, Basic authentication', async () => {
    const { receiver, post, listOf, workflowOf } = await newAccount();
    const older = {
      externalCustomerId: 'customer-42',
      id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
      createdDate: 1736936700000,
      title: 'First',
    };
    const newer = {
      externalCustomerId: 'customer-42',
      id: '0f8fad5b-d9cb-469f-a165-70867728950e',
      createdDate: 1736936703000,
      title: 'Second, «ü»',
      content: 'Text of the second',
      image: 'https://example.com/2.png',
      link: 'https://example.com/2',
      category: 'orders',
      customData: '{"order":"A-123"}',
    };
    await post([older, newer]);
    const [got] = await receiver.gets(1);
    expect(got?.body).toBe(
      '[{"externalCustomerId":"customer-42","id":"0f8fad5b-d9cb-469f-a165-70867728950e",' +
        '"createdDate":1736936703000,"title":"Second, «ü»","content":"Text of the second",' +
        '"image":"https://example.com/2.png","link":"https://example.com/2","category":"orders",' +
        '"customData":"{\\"order\\":\\"A-123\\"}"},' +
        '{"externalCustomerId":"customer-42","id":"7c9e6679-7425-40de-944b-e07fc1f90ae7",' +
        '"createdDate":1736936700000,"title":"First"}]',
    );
    expect(got?.headers.authorization).toBe(
      `Basic ${Buffer.from('yespo:pässword: 4711', 'utf8').toString('base64')}`,
    );
    expect(got?.headers['content-type']).toBe('application/json');
    expect(JSON.stringify(await listOf('customer-42'))).toBe(got?.body);
    expect(await workflowOf('customer-42').result()).toBe(1);
    expect(receiver.received).toHaveLength(1);
  });

  it('is one delivery for a list that was posted at once, of at most the account’s limit', async () => {
    const { receiver, request, accountId, post, listOf, workflowOf } = await newAccount();
    await request('PATCH', `/v1/accounts/${accountId}`, { inbox_message_limit: 150 });
    const messages = Array.from({ length: 200 }, (_, index) => ({
      externalCustomerId: 'c',
      title: `${index}`,
      createdDate: index,
    }));
    await post(messages);
    await receiver.gets(1);
    expect(await workflowOf('c').result()).toBe(1);
    expect(receiver.received).toHaveLength(1);
    const titles = lastOf(receiver).map(({ title }: { title: string }) => title);
    expect(titles).toEqual(Array.from({ length: 150 }, (_, index) => `${199 - index}`));
    expect(lastOf(receiver)).toEqual(await listOf('c'));
  });

  it('is a few deliveries for a burst of 200 messages, the last with all of them', async () => {
    const { receiver, post } = await newAccount();
    const startedAt = Date.now();
    await Promise.all(
      Array.from({ length: 10 }, async (_, worker) => {
        for (let n = 0; n < 20; n += 1) await post({ externalCustomerId: 'c', title: `${worker} ${n}` });
      }),
    );
    const seconds = (Date.now() - startedAt) / 1_000;
    await waitFor(async () => lastOf(receiver).length === 200 || undefined, 'a list of all 200');
    // One a second at most, the first and the last beside.
    expect(receiver.received.length).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
    const sizes = receiver.received.map(({ body }) => JSON.parse(body).length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  }, 60_000);

  it('goes out again within seconds, without the sweep, for what comes while the last one goes out', async () => {
    const { receiver, post } = await newAccount();
    for (let n = 1; n <= 6; n += 1) {
      await post({ externalCustomerId: 'c', title: `${n}` });
      await receiver.gets(n);
    }
    const times = receiver.received.map(({ at }) => at);
    const waits = times.slice(1).map((at, index) => at - times[index]!);
    // The sweep would take what is 4 s late.
    expect(Math.max(...waits)).toBeLessThan(4_000);
    expect(receiver.received.map(({ body }) => JSON.parse(body).length)).toEqual([1, 2, 3, 4, 5, 6]);
  }, 60_000);

  it('goes out again when a message is deleted or expires, and when it is the last', async () => {
    const { receiver, request, post } = await newAccount();
    const { id } = await post({ externalCustomerId: 'c', title: 'gone soon' });
    await receiver.gets(1);
    await request('PUT', `/v1/inbox/messages/${id}/status`, { status: 'read' });
    await request('PUT', `/v1/inbox/messages/${id}/status`, { status: 'deleted' });
    await receiver.gets(2);
    expect(receiver.received.map(({ body }) => JSON.parse(body).length)).toEqual([1, 0]);
  });

  it('is not sent of a contact without externalCustomerId', async () => {
    const { receiver, request, post } = await newAccount();
    const { id } = await post({ title: 'for nobody' });
    await post({ externalCustomerId: 'c', title: 'for someone' });
    await receiver.gets(1);
    expect(receiver.received[0]?.body).not.toContain(id);
    const { json } = await request('GET', '/v1/events?type=inbox.messages');
    expect(json.data).toHaveLength(1);
  });
});

describe('an answer to a list', () => {
  it('of 401, 429, 500, 502 or 503 leads to another attempt with the same bytes', async () => {
    const answers = [401, 429, 500, 502, 503];
    const { receiver, request, post, deliveryIs } = await newAccount((index) => answers[index] ?? 200);
    await post({ externalCustomerId: 'c', title: 'again' });
    const { id } = await deliveryIs('succeeded');
    const { json } = await request('GET', `/v1/deliveries/${id}`);
    const statuses = json.attempts.map((attempt: { response_status: number }) => attempt.response_status);
    expect(statuses).toEqual([...answers, 200]);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  });

  it('that does not come in time leads to another attempt', async () => {
    const { webhook, request, post, deliveryIs } = await newAccount((index) => (index === 0 ? 'hang' : 200), {
      profile: 'app-inbox',
      timeout_ms: 1_000,
    });
    await post({ externalCustomerId: 'c', title: 'again' });
    await deliveryIs('succeeded');
    const { json } = await request('GET', `/v1/webhooks/${webhook.id}/logs`);
    expect(json.data.map(({ reason }: { reason: string | null }) => reason)).toEqual([null, 'timeout']);
  });

  it('of 400 leads to no other attempt, and the log says why', async () => {
    const { webhook, request, receiver, post, deliveryIs } = await newAccount(() => 400);
    await post({ externalCustomerId: 'c', title: 'never again' });
    expect(await deliveryIs('failed')).toMatchObject({ attempt_count: 1, next_attempt_at: null });
    const { json } = await request('GET', `/v1/webhooks/${webhook.id}/logs`);
    expect(json.data).toMatchObject([{ response_status: 400, succeeded: false }]);
    expect(json.data[0].detail).toContain('such requests are not retried');
    expect(receiver.received).toHaveLength(1);
  });
});

describe('a list that waits for another attempt', () => {
  it('is cancelled for a later one of the same contact, not for another contact’s', async () => {
    const { receiver, request, post, deliveryIs } = await newAccount((index) => (index < 2 ? 500 : 200), {
      profile: 'app-inbox',
      retry_schedule: { delays_ms: [0, aWeekMs] },
    });
    await post({ externalCustomerId: 'a', title: 'first' });
    await receiver.gets(1);
    await post({ externalCustomerId: 'b', title: 'of another' });
    await receiver.gets(2);
    await waitFor(async () => {
      const { json } = await request('GET', '/v1/deliveries?status=pending');
      return json.data.every((one: { attempt_count: number }) => one.attempt_count === 1) || undefined;
    }, 'both attempts to be recorded');
    await post({ externalCustomerId: 'a', title: 'second' });
    await receiver.gets(3);
    await deliveryIs('succeeded');
    const { json } = await request('GET', '/v1/deliveries');
    expect(json.data.map(({ status }: { status: string }) => status)).toEqual([
      'succeeded',
      'pending',
      'cancelled',
    ]);
    expect(json.data[2].reason).toBe('a later list of the same contact took its place');
    const owner = await postrider.startedWorkflow(json.data[2].workflow_id);
    expect(await owner.result()).toEqual({ cancelled: 1 });
    await request('POST', `/v1/deliveries/${json.data[1].id}/cancel`);
  });
});

describe('what Temporal knows of a list', () => {
  it('is a hash and ids: neither the contact nor a message', async () => {
    const { receiver, post, workflowOf } = await newAccount();
    await post({ externalCustomerId: 'personal-4711', title: 'title-4711' });
    await receiver.gets(1);
    const workflow = workflowOf('personal-4711');
    await workflow.result();
    const description = await workflow.describe();
    const history = JSON.stringify([await workflow.fetchHistory(), description.raw]);
    const payloads = [...history.matchAll(/"data":"([^"]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString('utf8'),
    );
    const everything = [history, description.workflowId, ...payloads].join('\n');
    expect(everything).toContain(contactHash('personal-4711'));
    expect(payloads.join()).toContain('evt_');
    expect(everything).not.toMatch(/personal|title-/);
  });
});

describe('a list whose workflow was never started', () => {
  it('is announced by the sweep, though the process was killed right after the commit', async () => {
    const child = await compileChild('store-inbox-and-die.ts');
    const receiver = await startReceiver();
    const own = await startTestPostrider();
    try {
      await own.createWebhook({ url: receiver.url });
      const account = (await own.request('GET', '/v1/accounts')).json.data[0].id;
      await own.stop();
      const { DATABASE_URL: url, DATA_DIR: folder } = own.config;
      const killed = startChild(child, [account, 'c', join(folder, 'database')], {
        ...process.env,
        DATABASE_URL: url ?? '',
      });
      expect(await killed.nextLine()).toBe('1');
      expect((await killed.exited).signal).toBe('SIGKILL');
      const workflow = own.temporal.workflow.getHandle(`inbox/${account}/${contactHash('c')}`);
      await expect(workflow.describe()).rejects.toThrow();

      await own.start();
      // Without the sweep it would never be announced.
      await receiver.gets(1);
      expect(lastOf(receiver)).toMatchObject([{ externalCustomerId: 'c', title: 'Stored' }]);
      expect(await workflow.result()).toBe(1);
    } finally {
      await own.close();
      await receiver.close();
    }
  }, 90_000);
});
