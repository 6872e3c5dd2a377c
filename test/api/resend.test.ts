import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { webhooks } from '../../db/schema.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
let isTemporalAway = false;
const attempted: string[][] = [];
const started: string[] = [];
beforeAll(async () => {
  const away = () => {
    if (isTemporalAway) throw new TemporalUnavailable('away');
  };
  api = await startTestApi({
    starter: {
      async startManualAttempt(deliveryId, attemptId) {
        away();
        attempted.push([deliveryId, attemptId]);
      },
      async startDeliverEvents({ workflow_id }) {
        away();
        started.push(workflow_id);
        return 'started';
      },
      async tellDeliveryEnded() {},
    },
  });
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.db.update(webhooks).set({ deleted_at: new Date() });
  isTemporalAway = false;
  attempted.length = 0;
  started.length = 0;
});

const register = async (events: string[], fields: object = {}) =>
  (await api.request('POST', '/v1/webhooks', { body: { url: 'https://receiver.test/', events, ...fields } }))
    .json.id as string;
const post = async (body: object = {}) =>
  (await api.request('POST', '/v1/events', { body: { type: 'message.read', data: {}, ...body } })).json
    .id as string;
const resend = (id: string, body?: object) =>
  api.request('POST', `/v1/events/${id}/resend`, body === undefined ? {} : { body });
const deliveriesOf = async (id: string) => (await api.request('GET', `/v1/events/${id}`)).json.deliveries;

describe('POST /v1/events/{id}/resend', () => {
  test('makes one more attempt of each delivery, and adds one to a webhook that is newer than the event', async () => {
    const old = await register(['message.*']);
    const id = await post();
    const [first] = await deliveriesOf(id);
    const newer = await register(['*']);
    await register(['other']);
    const answer = await resend(id);
    expect(answer.status).toBe(202);
    const added = answer.json.deliveries.find((one: { webhook_id: string }) => one.webhook_id === newer);
    expect(answer.json).toEqual({
      event_id: id,
      deliveries: [
        { id: first.id, webhook_id: old, attempt_id: expect.stringMatching(/^att_/) },
        { id: expect.stringMatching(/^dlv_/), webhook_id: newer, attempt_id: null },
      ],
    });
    expect(attempted).toEqual([[first.id, answer.json.deliveries[0].attempt_id]]);
    expect(started).toEqual([expect.stringContaining(`deliver/${added.id}/`)]);
    expect((await deliveriesOf(id)).map((one: { id: string }) => one.id)).toEqual([added.id, first.id]);

    const again = await resend(id);
    expect(again.json.deliveries.map((one: { attempt_id: unknown }) => one.attempt_id)).not.toContain(null);
    expect(await deliveriesOf(id)).toHaveLength(2);
    const log = await api.request('GET', `/v1/audit-log?action=event.resent&subject_id=${id}`);
    expect(log.json.data).toMatchObject([{ details: { deliveries: 2 } }, { details: { deliveries: 2 } }]);
  });

  test('sends to the one webhook that is named, subscribed or not', async () => {
    await register(['message.*']);
    const other = await register(['other']);
    const id = await post();
    const answer = await resend(id, { webhook_id: other });
    expect(answer.json.deliveries).toMatchObject([{ webhook_id: other, attempt_id: null }]);
    expect(attempted).toEqual([]);
  });

  test('holds what it adds for an endpoint that is disabled', async () => {
    const id = await post();
    const webhook = await register(['*']);
    await api.db
      .update(webhooks)
      .set({ endpoint_state: 'disabled' })
      .where(eq(webhooks.id, webhook as `wh_${string}`));
    await resend(id);
    expect(await deliveriesOf(id)).toMatchObject([{ status: 'held', next_attempt_at: null }]);
    expect(started).toEqual([]);
  });

  test('adds one delivery however many ask at once', async () => {
    const id = await post();
    await register(['*']);
    await Promise.all(Array.from({ length: 5 }, () => resend(id)));
    expect(await deliveriesOf(id)).toHaveLength(1);
  });

  test('keeps what it added while Temporal is away, and refuses further attempts', async () => {
    const id = await post();
    await register(['*']);
    isTemporalAway = true;
    expect((await resend(id)).status).toBe(202);
    expect(await deliveriesOf(id)).toMatchObject([
      { status: 'pending', next_attempt_at: expect.any(String) },
    ]);
    expect((await resend(id)).json).toMatchObject({ status: 503, code: 'temporal_unavailable' });
  });

  test('does not give a test event to anyone else', async () => {
    const tested = await register(['*']);
    const event = (
      await api.request('POST', '/v1/webhooks/test', {
        body: { webhook_id: tested, event_type: 'message.read' },
      })
    ).json.event_id;
    await register(['*']);
    expect((await resend(event)).json.deliveries).toMatchObject([{ webhook_id: tested }]);
  });

  test('refuses what is not there, is another’s, or cannot carry the event', async () => {
    const id = await post();
    const inbox = await register(['*'], { profile: 'app-inbox' });
    expect((await resend('evt_123')).status).toBe(404);
    expect((await resend(id, { webhook_id: 'wh_123' })).status).toBe(404);
    expect((await resend(id, { webhook_id: inbox })).json).toMatchObject({
      status: 422,
      errors: [{ pointer: '/webhook_id' }],
    });
    const others = await api.request('POST', `/v1/events/${id}/resend`, { key: api.otherKey });
    expect(others.status).toBe(404);
    const theirs = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['*'] },
      key: api.otherKey,
    });
    expect((await resend(id, { webhook_id: theirs.json.id })).status).toBe(404);
    expect(await deliveriesOf(id)).toEqual([]);
  });

  test('takes no more than a hundred webhooks at once', async () => {
    const id = await post();
    for (let n = 0; n < 101; n++) await register(['*']);
    expect((await resend(id)).json).toMatchObject({ status: 409, code: 'too_many_webhooks' });
    expect(await deliveriesOf(id)).toEqual([]);
  });
});
