import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DeliveryId } from '../../db/ids.ts';
import { type DeliveryStatus, deliveries, deliveryStatuses } from '../../db/schema.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
let webhookId: string;
let isTemporalAway = false;
const manualAttempts: string[][] = [];
const told: string[][] = [];
beforeAll(async () => {
  api = await startTestApi({
    starter: {
      startDeliverEvents: async () => 'started' as const,
      async startManualAttempt(deliveryId, attemptId) {
        if (isTemporalAway) throw new TemporalUnavailable('away');
        manualAttempts.push([deliveryId, attemptId]);
      },
      async tellDeliveryEnded(workflowId, deliveryId) {
        told.push([workflowId, deliveryId]);
      },
    },
  });
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'] },
  });
  webhookId = webhook.json.id;
});
afterAll(() => api.close());

async function newDelivery(type = 'a', status: DeliveryStatus = 'pending') {
  const posted = await api.request('POST', '/v1/events', { body: { type, data: {} } });
  const listed = await api.request('GET', `/v1/deliveries?event_id=${posted.json.id}`);
  const [delivery] = listed.json.data;
  if (status !== 'pending') {
    await api.db
      .update(deliveries)
      .set({ status })
      .where(eq(deliveries.id, delivery.id as DeliveryId));
  }
  return { ...delivery, status };
}

describe('GET /v1/deliveries', () => {
  test('shows a delivery in full', async () => {
    const { id } = await newDelivery();
    const { json } = await api.request('GET', `/v1/deliveries/${id}`);
    expect(json).toEqual({
      id,
      event_id: expect.stringMatching(/^evt_/),
      event_type: 'a',
      channel: null,
      webhook_id: webhookId,
      webhook_url: 'https://receiver.test/',
      webhook_description: '',
      workflow_id: `deliver/${json.event_id}`,
      status: 'pending',
      attempt_count: 0,
      next_attempt_at: json.created_at,
      expires_at: null,
      reason: null,
      response_status: null,
      lane: null,
      waits_for: null,
      created_at: expect.stringMatching(/\.\d{3}Z$/),
      ended_at: null,
      attempts: [],
    });
  });

  test('filters by status, webhook, event and type, and by all of them together', async () => {
    const failed = await newDelivery('f.one', 'failed');
    const waiting = await newDelivery('f.two');
    const of = async (query: string) =>
      (await api.request('GET', `/v1/deliveries?${query}`)).json.data.map((one: { id: string }) => one.id);
    expect(await of('status=failed')).toEqual([failed.id]);
    expect(await of('type=f.two')).toEqual([waiting.id]);
    expect(await of(`event_id=${waiting.event_id}`)).toEqual([waiting.id]);
    expect((await of(`webhook_id=${webhookId}`)).slice(0, 2)).toEqual([waiting.id, failed.id]);
    expect(await of(`webhook_id=${webhookId}&status=failed&type=f.one&event_id=${failed.event_id}`)).toEqual([
      failed.id,
    ]);
    expect(await of('status=failed&type=f.two')).toEqual([]);
    expect(await of('webhook_id=wh_123')).toEqual([]);
    expect(await of('event_id=unheard-of')).toEqual([]);
  });
});

describe('POST /v1/deliveries/{id}/retry', () => {
  test.each(deliveryStatuses)('starts one new attempt of a delivery that is %s', async (status) => {
    const { id } = await newDelivery('r', status);
    const answer = await api.request('POST', `/v1/deliveries/${id}/retry`);
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ id, attempt_id: expect.stringMatching(/^att_[0-9a-z]{26}$/) });
    expect(manualAttempts).toContainEqual([id, answer.json.attempt_id]);
  });

  test('is 503 with Retry-After while Temporal is away', async () => {
    const { id } = await newDelivery();
    isTemporalAway = true;
    const answer = await api.request('POST', `/v1/deliveries/${id}/retry`);
    isTemporalAway = false;
    expect(answer.json).toMatchObject({ status: 503, code: 'temporal_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('2');
  });
});

describe('POST /v1/deliveries/{id}/cancel', () => {
  test.each(['pending', 'held'] as const)(
    'cancels one that is %s and tells its workflow once',
    async (status) => {
      const { id, workflow_id } = await newDelivery('c', status);
      const answer = await api.request('POST', `/v1/deliveries/${id}/cancel`);
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({
        id,
        status: 'cancelled',
        reason: 'cancelled by request',
        next_attempt_at: null,
        ended_at: expect.any(String),
      });
      const again = await api.request('POST', `/v1/deliveries/${id}/cancel`);
      expect([again.status, again.text]).toEqual([200, answer.text]);
      await vi.waitFor(() => expect(told).toContainEqual([workflow_id, id]));
      expect(told.filter(([, deliveryId]) => deliveryId === id)).toHaveLength(1);
    },
  );

  test.each(['succeeded', 'failed', 'expired'] as const)(
    'refuses one that has %s with 409',
    async (status) => {
      const { id } = await newDelivery('c', status);
      const answer = await api.request('POST', `/v1/deliveries/${id}/cancel`);
      expect(answer.json).toMatchObject({ status: 409, code: 'delivery_ended' });
      expect((await api.request('GET', `/v1/deliveries/${id}`)).json.status).toBe(status);
    },
  );
});
