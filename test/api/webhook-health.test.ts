import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { newId, type WebhookId } from '../../db/ids.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { createWebhookWatcher } from '../../delivery/webhook-watcher.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { profiles } from '../../webhook/profiles.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
beforeEach(() => {
  api.healthCalls.length = 0;
});
afterAll(() => api.close());

const url = 'https://receiver.test/';
const probes = { after_ms: 60_000, backoff: 2, max_ms: 3_600_000 };

async function register(fields: object = {}) {
  const answer = await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'], ...fields } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}
const patch = (id: string, body: object) => api.request('PATCH', `/v1/webhooks/${id}`, { body });
const ask = (id: string, what: string, options: Parameters<TestApi['request']>[2] = {}) =>
  api.request('POST', `/v1/webhooks/${id}/${what}`, options);
const health = (id: string) => api.request('GET', `/v1/webhooks/${id}/health`);
const callsOf = (call: string) => api.healthCalls.filter((one) => one.call === call);

describe('a webhook’s own health policy and recovery rate', () => {
  test('are taken, stored as they are, and shown', async () => {
    const own = { count: 'attempts', failures: 100, min_failing_ms: 1_000, reenable: probes };
    const webhook = await register({ health: own, recovery_rate: 1_000 });
    expect(webhook).toMatchObject({ health: own, recovery_rate: 1_000 });
    const [row] = await api.db.select().from(webhooks).where(eq(webhooks.id, webhook.id));
    expect(row).toMatchObject({ health_policy: own, recovery_rate: 1_000 });
    const manual = await register({ health: { reenable: 'manual' }, recovery_rate: 1 });
    expect(manual).toMatchObject({ health: { reenable: 'manual' }, recovery_rate: 1 });
  });

  test.each([undefined, null, {}])('that are %j are the profile’s policy', async (own) => {
    const webhook = await register({ health: own, recovery_rate: own === null ? null : undefined });
    expect(webhook).toMatchObject({ health: null, recovery_rate: 20 });
    const [row] = await api.db.select().from(webhooks).where(eq(webhooks.id, webhook.id));
    expect(row?.health_policy).toBeNull();
  });

  test('stay with PATCH unless they are named, and fall to the default with null, or with PUT', async () => {
    const { id } = await register({ health: { failures: 3 }, recovery_rate: 7 });
    const shown = (answer: { json: Record<string, unknown> }) => [
      answer.json.health,
      answer.json.recovery_rate,
    ];
    expect(shown(await patch(id, { description: 'd' }))).toEqual([{ failures: 3 }, 7]);
    // The new policy whole, not mixed with the one before.
    expect(shown(await patch(id, { health: { count: 'attempts' } }))).toEqual([{ count: 'attempts' }, 7]);
    expect(shown(await patch(id, { health: null }))).toEqual([null, 7]);
    await patch(id, { health: { failures: 3 } });
    const put = await api.request('PUT', `/v1/webhooks/${id}`, { body: { url, events: ['*'] } });
    expect(shown(put)).toEqual([null, 20]);
  });

  test.each([
    ['no failures', { failures: 0 }, '/health/failures'],
    ['101 failures', { failures: 101 }, '/health/failures'],
    ['half a failure', { failures: 1.5 }, '/health/failures'],
    ['another thing to count', { count: 'events' }, '/health/count'],
    ['a negative time', { min_failing_ms: -1 }, '/health/min_failing_ms'],
    ['more than 30 days', { min_failing_ms: 30 * 86_400_000 + 1 }, '/health/min_failing_ms'],
    ['re-enabling that is neither', { reenable: 'never' }, '/health/reenable'],
    [
      'probes without a backoff',
      { reenable: { after_ms: 1_000, max_ms: 1_000 } },
      '/health/reenable/backoff',
    ],
    [
      'a probe after less than a second',
      { reenable: { ...probes, after_ms: 999 } },
      '/health/reenable/after_ms',
    ],
    ['a backoff below 1', { reenable: { ...probes, backoff: 0.9 } }, '/health/reenable/backoff'],
    ['a backoff over 10', { reenable: { ...probes, backoff: 10.1 } }, '/health/reenable/backoff'],
    ['waits over 7 days', { reenable: { ...probes, max_ms: 7 * 86_400_000 + 1 } }, '/health/reenable/max_ms'],
    [
      'a longest wait below the first',
      { reenable: { after_ms: 2_000, backoff: 1, max_ms: 1_999 } },
      '/health/reenable/max_ms',
    ],
    ['an unknown field', { after_ms: 1_000 }, '/health/after_ms'],
    ['a text', 'manual', '/health'],
  ])('are refused with %s, and the field is named', async (_what, own, pointer) => {
    const { id } = await register();
    for (const [method, path, base] of [
      ['POST', '/v1/webhooks', { url, events: ['*'] }],
      ['PUT', `/v1/webhooks/${id}`, { url, events: ['*'] }],
      ['PATCH', `/v1/webhooks/${id}`, {}],
    ] as const) {
      const answer = await api.request(method, path, { body: { ...base, health: own } });
      expect(answer.json, method).toMatchObject({ status: 422, code: 'invalid_body', errors: [{ pointer }] });
      expect(answer.json.errors).toHaveLength(1);
    }
  });

  test.each([0, 1_001, 1.5, '20'])('a recovery rate of %j is refused', async (recovery_rate) => {
    const answer = await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'], recovery_rate } });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/recovery_rate' }] });
  });
});

describe('the health workflow of a webhook', () => {
  test('is started when the webhook is made, by each way of making one', async () => {
    const made = await register();
    const page = await api.request('PUT', '/v1/channels/watched/webhook', { body: { url } });
    await vi.waitFor(() => expect(callsOf('startHealth')).toHaveLength(2));
    expect(callsOf('startHealth').map(({ webhook }) => webhook)).toEqual([
      { id: made.id, account_id: api.accountId },
      { id: page.json.id, account_id: api.accountId },
    ]);
    // Its URL alone is changed: nothing that the workflow would look at.
    await api.request('PUT', '/v1/channels/watched/webhook', { body: { url: 'https://other.test/' } });
    await api.request('DELETE', '/v1/channels/watched/webhook');
    await vi.waitFor(() => expect(api.healthCalls).toHaveLength(3));
    expect(api.healthCalls[2]).toMatchObject({ call: 'tellChanged', webhook: { id: page.json.id } });
  });

  test('is told of a changed policy and of the webhook’s end, and of nothing else', async () => {
    const { id } = await register({ health: { failures: 3 } });
    await vi.waitFor(() => expect(callsOf('startHealth')).toHaveLength(1));
    await patch(id, { description: 'new', recovery_rate: 5 });
    await patch(id, { health: { failures: 3 } });
    await patch(id, { health: { failures: 0 } });
    await patch(id, { health: { failures: 4 } });
    await vi.waitFor(() => expect(callsOf('tellChanged')).toHaveLength(1));
    await api.request('PUT', `/v1/webhooks/${id}`, { body: { url, events: ['*'] } });
    await vi.waitFor(() => expect(callsOf('tellChanged')).toHaveLength(2));
    await api.request('DELETE', `/v1/webhooks/${id}`);
    await vi.waitFor(() => expect(callsOf('tellChanged')).toHaveLength(3));
    expect(new Set(callsOf('tellChanged').map(({ webhook }) => webhook.id))).toEqual(new Set([id]));
  });

  test('may be out of reach: the requests are answered as ever', async () => {
    const away = () => Promise.reject(new TemporalUnavailable('away'));
    const log = { warn: vi.fn() };
    const watcher = createWebhookWatcher({
      starter: { startHealth: away, tellChanged: away },
      log: log as never,
    });
    const own = await startTestApi({ watcher });
    const made = await own.request('POST', '/v1/webhooks', { body: { url, events: ['*'] } });
    expect(made.status).toBe(201);
    const path = `/v1/webhooks/${made.json.id}`;
    expect((await own.request('PATCH', path, { body: { health: { failures: 2 } } })).status).toBe(200);
    expect((await own.request('DELETE', path)).status).toBe(204);
    await watcher.close();
    expect(log.warn).toHaveBeenCalledTimes(3);
    await own.close();
  });
});

describe('GET /v1/webhooks/{id}/health', () => {
  test('shows a new webhook’s endpoint: healthy, under its profile’s policy', async () => {
    const webhook = await register();
    expect((await health(webhook.id)).json).toEqual({
      state: 'healthy',
      consecutive_failures: 0,
      since: webhook.state_since,
      last_failure: null,
      policy: profiles.inbox.health,
      next_probe_at: null,
      reason: null,
      held: 0,
    });
  });

  test('shows what is stored, the policy that holds, and how many deliveries are held', async () => {
    const { id } = await register({ profile: 'standard', health: { failures: 9, reenable: probes } });
    const stored = {
      endpoint_state: 'disabled' as const,
      state_since: new Date('2025-01-15T10:25:03.412Z'),
      state_reason: '9 deliveries in a row failed',
      consecutive_failures: 9,
      last_failure: { at: '2025-01-15T10:25:03.000Z', reason: 'answered 500' },
      next_probe_at: new Date('2025-01-15T10:26:03.412Z'),
    };
    await api.db.update(webhooks).set(stored).where(eq(webhooks.id, id));
    await insertDeliveries(id, ['held', 'held', 'pending', 'failed']);
    expect((await health(id)).json).toEqual({
      state: 'disabled',
      consecutive_failures: 9,
      since: '2025-01-15T10:25:03.412Z',
      last_failure: stored.last_failure,
      policy: { ...profiles.standard.health, failures: 9, reenable: probes },
      next_probe_at: '2025-01-15T10:26:03.412Z',
      reason: '9 deliveries in a row failed',
      held: 2,
    });
    expect((await api.request('GET', `/v1/webhooks/${id}`)).json).toMatchObject({
      endpoint_state: 'disabled',
      state_since: '2025-01-15T10:25:03.412Z',
      state_reason: '9 deliveries in a row failed',
      consecutive_failures: 9,
    });
  });

  test('is 404 for another account’s webhook and for a deleted one', async () => {
    const { id } = await register();
    expect((await api.request('GET', `/v1/webhooks/${id}/health`, { key: api.otherKey })).status).toBe(404);
    await api.request('DELETE', `/v1/webhooks/${id}`);
    expect((await health(id)).json).toMatchObject({ status: 404, code: 'not_found' });
  });
});

async function insertDeliveries(webhook_id: WebhookId, statuses: ('held' | 'pending' | 'failed')[]) {
  await api.db.insert(deliveries).values(
    statuses.map((status) => ({
      ...{ id: newId('dlv'), account_id: api.accountId, event_id: newId('evt'), webhook_id, status },
      ...{ workflow_id: 'deliver/none', created_at: new Date() },
    })),
  );
}

describe.each(['enable', 'disable'])('POST /v1/webhooks/{id}/%s', (what) => {
  test('asks the workflow in the API key’s name and answers with the health as it is stored then', async () => {
    const { id } = await register();
    const answer = await ask(id, what, { body: { reason: 'maintenance' } });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toEqual((await health(id)).json);
    expect(callsOf(what)).toEqual([
      {
        call: what,
        webhook: { id, account_id: api.accountId },
        request: { reason: 'maintenance', by: expect.stringMatching(/^key_[0-9a-z]{26}$/) },
      },
    ]);
  });

  test('needs no body, and may be repeated', async () => {
    const { id } = await register();
    for (const options of [{}, { body: {} }, {}]) expect((await ask(id, what, options)).status).toBe(200);
    expect(callsOf(what).map(({ request }) => Object.keys(request ?? {}))).toEqual([['by'], ['by'], ['by']]);
  });

  test.each([
    ['a reason that is empty', { reason: ' ' }, '/reason'],
    ['a reason of 501 characters', { reason: 'x'.repeat(501) }, '/reason'],
    ['a reason with a line break', { reason: 'a\nb' }, '/reason'],
    ['a name of the one who asks', { by: 'Ann' }, '/by'],
    ['an unknown choice', { held: 'drop' }, '/held'],
  ])('refuses %s and asks nothing', async (_what, body, pointer) => {
    const { id } = await register();
    const answer = await ask(id, what, { body });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect(callsOf(what)).toEqual([]);
  });

  test('is 404 for another account’s webhook and for a deleted one, and asks nothing', async () => {
    const { id } = await register();
    expect((await ask(id, what, { key: api.otherKey })).json).toMatchObject({ status: 404 });
    await api.request('DELETE', `/v1/webhooks/${id}`);
    expect((await ask(id, what)).json).toMatchObject({ status: 404, code: 'not_found' });
    expect(callsOf(what)).toEqual([]);
  });

  test('is 503 with Retry-After while Temporal is away', async () => {
    const away = () => Promise.reject(new TemporalUnavailable('away'));
    const own = await startTestApi({ healthStarter: { enable: away, disable: away } });
    const made = await own.request('POST', '/v1/webhooks', { body: { url, events: ['*'] } });
    const answer = await own.request('POST', `/v1/webhooks/${made.json.id}/${what}`);
    expect(answer.json).toMatchObject({ status: 503, code: 'temporal_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('2');
    await own.close();
  });

  test('is 404 when the webhook is deleted while its workflow is asked', async () => {
    let remove = async () => {};
    const ended = async () => {
      await remove();
      throw new Error('the workflow has ended');
    };
    const own = await startTestApi({ healthStarter: { enable: ended, disable: ended } });
    const made = await own.request('POST', '/v1/webhooks', { body: { url, events: ['*'] } });
    const path = `/v1/webhooks/${made.json.id}`;
    expect((await own.request('POST', `${path}/${what}`)).status).toBe(500);
    remove = async () => {
      await own.request('DELETE', path);
    };
    expect((await own.request('POST', `${path}/${what}`)).json).toMatchObject({ code: 'not_found' });
    await own.close();
  });
});

test('enable says what becomes of the deliveries that wait', async () => {
  const { id } = await register();
  for (const held of ['deliver', 'discard']) await ask(id, 'enable', { body: { held } });
  expect(callsOf('enable').map(({ request }) => request)).toMatchObject([
    { held: 'deliver' },
    { held: 'discard' },
  ]);
  expect((await ask(id, 'disable', { body: { held: 'deliver' } })).status).toBe(422);
});
