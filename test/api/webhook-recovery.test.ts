import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId, type WebhookId } from '../../db/ids.ts';
import { deliveries } from '../../db/schema.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
let id: WebhookId;
const asked: { call: string; webhook: object; request?: object }[] = [];
let isTemporalAway = false;
const progress = {
  ...{ state: 'running' as const, since: '2025-01-15T10:00:00.000Z', marked: 3, taken_back: 1 },
  ...{ sent: 2, succeeded: 1, failed: 0, left: 99 },
};

beforeAll(async () => {
  const ask = (call: string, webhook: object, request?: object) => {
    if (isTemporalAway) throw new TemporalUnavailable('away');
    asked.push({ call, webhook, ...(request === undefined ? {} : { request }) });
  };
  api = await startTestApi({
    recoveryStarter: {
      recover: async (webhook, request) => ask('recover', webhook, request),
      progress: async (webhook) => {
        ask('progress', webhook);
        return webhook.id === id ? progress : undefined;
      },
      cancel: async (webhook) => {
        ask('cancel', webhook);
        return 7;
      },
    },
    now: () => new Date('2025-01-15T12:00:00.000Z'),
  });
  id = await newWebhook();
});
afterAll(() => api.close());

async function newWebhook(): Promise<WebhookId> {
  const answer = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'] },
  });
  return answer.json.id;
}
const since = '2025-01-15T10:00:00.000Z';
const recover = (body: unknown, webhook: string = id) =>
  api.request('POST', `/v1/webhooks/${webhook}/recover`, { body });

describe('POST /v1/webhooks/{id}/recover', () => {
  test('asks the webhook’s recovery, and says where it can be watched', async () => {
    asked.length = 0;
    const answer = await recover({ since: '2025-01-15T11:00:00+01:00' });
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      ...{ webhook_id: id, workflow_id: `recover/${id}`, status: 'failed', since, until: null },
    });
    expect(answer.headers.get('location')).toBe(`/v1/webhooks/${id}/recovery`);
    expect(asked).toEqual([
      {
        call: 'recover',
        webhook: { id, account_id: api.accountId },
        request: { since, status: 'failed', asked_at: '2025-01-15T12:00:00.000Z' },
      },
    ]);
  });

  test('takes an end and a status', async () => {
    const until = '2025-01-15T11:00:00.000Z';
    expect((await recover({ since, until, status: 'cancelled' })).json).toMatchObject({
      until,
      status: 'cancelled',
    });
    expect(asked.at(-1)?.request).toMatchObject({ since, until, status: 'cancelled' });
    expect((await recover({ since, until: null })).json).toMatchObject({ until: null });
    expect((await recover({ since, until: since })).status).toBe(202);
  });

  test.each([
    [{}, '/since'],
    [{ since: 'yesterday' }, '/since'],
    [{ since: '2025-01-15' }, '/since'],
    [{ since: '2025-01-15T10:00:00' }, '/since'],
    [{ since: '2025-02-30T10:00:00Z' }, '/since'],
    [{ since: '1969-12-31T23:59:59Z' }, '/since'],
    [{ since: 1736935200 }, '/since'],
    [{ since, until: 'now' }, '/until'],
    [{ since, until: '2025-01-15T09:59:59Z' }, '/until'],
    [{ since, status: 'succeeded' }, '/status'],
    [{ since, rate: 100 }, '/rate'],
  ])('refuses %j with 422 and asks nothing', async (body, pointer) => {
    asked.length = 0;
    const answer = await recover(body);
    expect(answer.json).toMatchObject({ status: 422, code: 'invalid_body', errors: [{ pointer }] });
    expect(asked).toEqual([]);
  });

  test('notes who asked in the audit log, and only what was begun', async () => {
    const webhook = await newWebhook();
    isTemporalAway = true;
    expect((await recover({ since }, webhook)).json).toMatchObject({ code: 'temporal_unavailable' });
    isTemporalAway = false;
    await recover({ since }, webhook);
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${webhook}&action=webhook.recovered`);
    expect(json.data).toHaveLength(1);
    expect(json.data[0]).toMatchObject({ details: { since, until: null, status: 'failed' } });
  });
});

describe('GET /v1/webhooks/{id}/recovery', () => {
  test('answers what the workflow says, and what is held now', async () => {
    const row = {
      account_id: api.accountId,
      webhook_id: id,
      workflow_id: 'deliver/x',
      created_at: new Date(),
    };
    for (let count = 0; count < 2; count += 1) {
      await api.db
        .insert(deliveries)
        .values({ id: newId('dlv'), event_id: newId('evt'), status: 'held', ...row });
    }
    const answer = await api.request('GET', `/v1/webhooks/${id}/recovery`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ webhook_id: id, workflow_id: `recover/${id}`, ...progress, left: 2 });
  });

  test('says so when there was none', async () => {
    const webhook = await newWebhook();
    const { json } = await api.request('GET', `/v1/webhooks/${webhook}/recovery`);
    expect(json).toMatchObject({ state: 'none', since: null, sent: 0, left: 0 });
  });
});

describe('POST /v1/webhooks/{id}/recovery/cancel', () => {
  test('answers how many have their former status again, and is in the audit log', async () => {
    const answer = await api.request('POST', `/v1/webhooks/${id}/recovery/cancel`);
    expect([answer.status, answer.json]).toEqual([200, { webhook_id: id, taken_back: 7 }]);
    const { json } = await api.request(
      'GET',
      `/v1/audit-log?subject_id=${id}&action=webhook.recovery_cancelled`,
    );
    expect(json.data[0]).toMatchObject({ details: { taken_back: 7 } });
  });
});

test.each([
  ['POST', 'recover', { since }],
  ['GET', 'recovery', undefined],
  ['POST', 'recovery/cancel', undefined],
])('%s …/%s is 503 while Temporal is away, and 404 of a deleted webhook', async (method, path, body) => {
  const webhook = await newWebhook();
  const options = body === undefined ? {} : { body };
  isTemporalAway = true;
  const away = await api.request(method, `/v1/webhooks/${webhook}/${path}`, options);
  isTemporalAway = false;
  expect(away.json).toMatchObject({ status: 503, code: 'temporal_unavailable' });
  await api.request('DELETE', `/v1/webhooks/${webhook}`);
  const gone = await api.request(method, `/v1/webhooks/${webhook}/${path}`, options);
  expect(gone.json).toMatchObject({ status: 404, code: 'not_found' });
});
