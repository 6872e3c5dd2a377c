import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebhookId } from '../../db/ids.ts';
import { deliveries } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { seedDeliveries } from '../setup/seed-deliveries.ts';

let api: TestApi;
let webhookId: string;
beforeAll(async () => {
  api = await startTestApi();
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'], description: 'the receiver' },
  });
  webhookId = webhook.json.id;
});
afterAll(() => api.close());

const post = async (fields: object) =>
  (await api.request('POST', '/v1/events', { body: { type: 'a', data: {}, ...fields } })).json.id as string;
const list = async (path: string, query: Record<string, string>) =>
  (await api.request('GET', `${path}?${new URLSearchParams(query)}`)).json;
/** The events that are found, and those of the deliveries that are: the same. */
async function found(query: Record<string, string>): Promise<string[]> {
  const events = await list('/v1/events', query);
  const deliveries = await list('/v1/deliveries', query);
  const ids = events.data.map(({ id }: { id: string }) => id);
  expect(deliveries.data.map(({ event_id }: { event_id: string }) => event_id)).toEqual(ids);
  return ids;
}

describe('events and their deliveries are found', () => {
  test('by text in the data: in any case, within strings and in the JSON itself, with no character special', async () => {
    const first = await post({ data: { text: 'Say "Größe" 100%_\\ to x', count: 42 } });
    const second = await post({ data: { text: 'say nothing', deep: [{ marker: 'GRÖSSE' }] } });
    expect(await found({ q: 'größe' })).toEqual([first]);
    expect(await found({ q: 'SAY' })).toEqual([second, first]);
    expect(await found({ q: '"Größe"' })).toEqual([first]);
    expect(await found({ q: '100%_\\ ' })).toEqual([first]);
    expect(await found({ q: '"count":42' })).toEqual([first]);
    expect(await found({ q: '100_' })).toEqual([]);
    expect(await found({ q: 's%y' })).toEqual([]);
    expect(await found({ q: "'); drop table events; --" })).toEqual([]);
  });

  test('by type, channel and time, and all together', async () => {
    const before = new Date().toISOString();
    const one = await post({ type: 'found.one', channel: 'c 1', data: { text: 'both' } });
    const two = await post({ type: 'found.two', channel: 'c 1', data: { text: 'both' } });
    expect(await found({ channel: 'c 1' })).toEqual([two, one]);
    expect(await found({ type: 'found.one', channel: 'c 1', q: 'both', since: before })).toEqual([one]);
    expect(await found({ channel: 'c 1', until: before })).toEqual([]);
    const { created_at } = (await list('/v1/events', { type: 'found.one' })).data[0];
    expect(await found({ type: 'found.one', since: created_at })).toEqual([one]);
    expect(await found({ type: 'found.one', until: created_at })).toEqual([]);
    const later = new Date(Date.parse(created_at) + 1).toISOString();
    expect(await found({ type: 'found.one', until: later })).toEqual([one]);
    expect(await found({ type: 'found.one', since: later })).toEqual([]);
  });

  test('that fail: those that wait after a failed attempt', async () => {
    const [one, two] = [await post({ type: 'fails.now' }), await post({ type: 'fails.now' })];
    const listed = await list('/v1/deliveries', { event_id: one });
    await api.db.update(deliveries).set({ attempt_count: 2 }).where(eq(deliveries.id, listed.data[0].id));
    const sought = async (status: string) => {
      const { data } = await list('/v1/deliveries', { type: 'fails.now', status });
      return data.map(({ event_id }: { event_id: string }) => event_id);
    };
    expect(await sought('failing')).toEqual([one]);
    expect(await sought('failing,held')).toEqual([one]);
    expect(await sought('pending')).toEqual([two, one]);
    expect(await sought('failing,succeeded')).toEqual([one]);
  });

  test('with what a list shows of each delivery', async () => {
    const id = await post({ type: 'shown', channel: 'c 2' });
    const [delivery] = (await list('/v1/deliveries', { event_id: id })).data;
    expect(delivery).toMatchObject({
      channel: 'c 2',
      webhook_id: webhookId,
      webhook_url: 'https://receiver.test/',
      webhook_description: 'the receiver',
      response_status: null,
    });
  });
});

test.each([
  ['status', 'failed,done'],
  ['status', ''],
  ['status', 'failed,'],
  ['since', 'yesterday'],
  ['until', '2025-01-15'],
  ['q', ''],
  ['q', 'x'.repeat(201)],
  ['q', 'a\u0000b'],
  ['channel', ''],
])('%s=%j is refused', async (parameter, value) => {
  const query = new URLSearchParams({ [parameter]: value });
  const answer = await api.request('GET', `/v1/deliveries?${query}`);
  expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter', errors: [{ parameter }] });
});

test('a search for what is rare says how far it came, and goes on from there', async () => {
  const count = 51_000;
  await seedDeliveries(api.db, { accountId: api.accountId, webhookId: webhookId as WebhookId, count });
  for (const path of ['/v1/events', '/v1/deliveries']) {
    const seen: unknown[] = [];
    let requests = 0;
    let query: Record<string, string> = { type: 'rare.type', limit: '250' };
    for (;;) {
      const page = await list(path, query);
      seen.push(...page.data);
      requests += 1;
      if (page.next_cursor === null) break;
      expect(Date.parse(page.searched_until)).toBeLessThan(Date.now());
      query = { ...query, cursor: page.next_cursor };
    }
    expect(seen).toHaveLength(count / 1_000);
    expect(requests).toBeGreaterThan(1);
  }
  const failed = await list('/v1/deliveries', { status: 'failed', limit: '250' });
  expect(failed).toMatchObject({ next_cursor: null });
  expect(failed.data).toHaveLength(count / 1_000);
  expect(failed.searched_until).toBeUndefined();
});
