import { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { type SQL, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { selectRows } from '../../db/database.ts';
import { endExpired } from '../../db/expired-deliveries.ts';
import { uuidOf } from '../../db/ids.ts';
import { cursorIn } from '../../delivery/pull-cursor.ts';
import { createPullDoor, type Pulled } from '../../delivery/pull-door.ts';
import { nothingSent } from '../../webhook/answer.ts';
import { expressionFailure } from '../../webhook/expressions.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { openEventStream } from '../setup/event-stream.ts';
import { waitFor } from '../setup/wait-for.ts';

let api: TestApi;
const listening = { heartbeatMs: 15_000, mostMs: 300_000 };
beforeAll(async () => {
  api = await startTestApi({ listening });
});
afterAll(() => api.close());

const post = (path: string, body: unknown) => api.request('POST', path, { body });
const get = (path: string) => api.request('GET', path);

async function pulledWebhook(settings: object = {}) {
  const { status, json } = await post('/v1/webhooks', { url: null, events: ['pulled.*'], ...settings });
  if (status !== 201) throw new Error(`the webhook was refused: ${JSON.stringify(json)}`);
  return json;
}

async function postEvents(type: string, count: number) {
  for (let n = 1; n <= count; n++) await post('/v1/events', { type, data: { n } });
}

const numbers = (page: { data: { body: string }[] }) => page.data.map(({ body }) => JSON.parse(body).data.n);

describe('a webhook without a URL', () => {
  it('hands out what waits in order, the same until it is acknowledged, with a signature that verifies', async () => {
    const { id, secret } = await pulledWebhook();
    await postEvents('pulled.order', 5);
    const first = (await get(`/v1/webhooks/${id}/poll?limit=3`)).json;
    expect(numbers(first)).toEqual([1, 2, 3]);
    expect(first.cursor).toBe(first.data[2].cursor);
    for (const { body, headers, attempt } of first.data) {
      expect(attempt).toBe(1);
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'pulled.order' });
    }
    // It dies, and begins anew.
    expect(numbers((await get(`/v1/webhooks/${id}/poll?limit=3`)).json)).toEqual([1, 2, 3]);
    expect(numbers((await get(`/v1/webhooks/${id}/poll?cursor=${first.cursor}`)).json)).toEqual([4, 5]);

    const ack = { cursor: first.data[1].cursor };
    expect((await post(`/v1/webhooks/${id}/poll/ack`, ack)).json.acknowledged).toBe(2);
    expect((await post(`/v1/webhooks/${id}/poll/ack`, ack)).json.acknowledged).toBe(0);
    expect(numbers((await get(`/v1/webhooks/${id}/poll`)).json)).toEqual([3, 4, 5]);

    const { json: done } = await get(`/v1/deliveries/${first.data[0].delivery_id}`);
    expect(done).toMatchObject({ status: 'succeeded', webhook_url: null, attempt_count: 1 });
    expect(done.attempts).toMatchObject([{ trigger: 'pull', succeeded: true, url: null, number: 1 }]);
    const { json: waiting } = await get(`/v1/deliveries/${first.data[2].delivery_id}`);
    expect(waiting).toMatchObject({ status: 'queued', attempt_count: 0, next_attempt_at: null });
    expect((await get(`/v1/webhooks/${id}/stats`)).json.deliveries.queued).toBe(3);
  });

  it('has what was not answered with 2xx pulled again by its schedule, until that is spent', async () => {
    const { id } = await pulledWebhook({ retry_schedule: { delays_ms: [0, 1_000] } });
    await postEvents('pulled.retry', 2);
    const { data } = (await get(`/v1/webhooks/${id}/poll`)).json;
    const failed = {
      cursor: data[0].cursor,
      status: 500,
      body: 'no',
      headers: { 'X-A': 'b' },
      duration_ms: 12,
    };
    const { json } = await post(`/v1/webhooks/${id}/poll/ack`, { results: [failed], cursor: data[1].cursor });
    expect(json).toMatchObject({ acknowledged: 1, results: [{ status: 'queued' }] });
    expect(json.results[0].next_attempt_at).not.toBeNull();
    // What is said twice counts once.
    const twice = (await post(`/v1/webhooks/${id}/poll/ack`, { results: [failed] })).json;
    expect(twice.results).toEqual([{ delivery_id: null, status: null, next_attempt_at: null }]);

    const again = await waitFor(async () => {
      const page = (await get(`/v1/webhooks/${id}/poll`)).json;
      return page.data.length > 0 ? page : undefined;
    }, 'the second attempt');
    expect(again.data).toMatchObject([{ delivery_id: data[0].delivery_id, attempt: 2, body: data[0].body }]);
    const timeout = { cursor: again.cursor, error: 'timeout', duration_ms: 10_000 };
    const spent = (await post(`/v1/webhooks/${id}/poll/ack`, { results: [timeout] })).json;
    expect(spent.results).toMatchObject([{ status: 'failed', next_attempt_at: null }]);

    const { json: delivery } = await get(`/v1/deliveries/${data[0].delivery_id}`);
    expect(delivery.attempts).toMatchObject([
      {
        number: 1,
        response_status: 500,
        response_body: 'no',
        response_headers: { 'x-a': 'b' },
        duration_ms: 12,
      },
      { number: 2, response_status: null, reason: 'timeout' },
    ]);
    expect((await get(`/v1/webhooks/${id}`)).json.endpoint_state).toBe('healthy');

    const { json: retried, status } = await post(`/v1/deliveries/${data[0].delivery_id}/retry`, undefined);
    expect([status, retried]).toEqual([202, { id: data[0].delivery_id, attempt_id: null }]);
    expect((await get(`/v1/webhooks/${id}/poll`)).json.data).toMatchObject([{ attempt: 3 }]);
    await post(`/v1/deliveries/${data[0].delivery_id}/cancel`, undefined);
    expect((await get(`/v1/webhooks/${id}/poll`)).json.data).toEqual([]);
    expect(api.told.filter(({ deliveryId }) => deliveryId === data[0].delivery_id)).toEqual([]);
  });

  it('hands out nothing that has expired', async () => {
    const { id } = await pulledWebhook();
    const expires_at = new Date(Date.now() + 1_500).toISOString();
    await post('/v1/events', { type: 'pulled.expiring', data: {}, expires_at });
    await postEvents('pulled.lasting', 1);
    const left = await waitFor(async () => {
      const { data } = (await get(`/v1/webhooks/${id}/poll`)).json;
      return data.length === 1 ? data : undefined;
    }, 'the first to expire');
    expect(left).toMatchObject([{ event_type: 'pulled.lasting' }]);
  });

  it('hands out nothing that has expired while its body or another was made, and counts it as done by nobody', async () => {
    const { id, profile } = await pulledWebhook({ transformation: 'data' });
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    await post('/v1/events', { type: 'pulled.slow', data: {}, expires_at });
    await postEvents('pulled.slow', 1);
    let made = 0;
    const transform = async () => {
      made += 1;
      if (made === 2) vi.setSystemTime(Date.parse(expires_at) + 1);
      return { body: `${made}` };
    };
    const door = createPullDoor({
      ...{ db: api.db, sealer: api.sealer, userAgent: 'Postrider/1.2.3', scheduleScale: 1 },
      changes: { listen: () => undefined },
      expressions: { transform, filter: () => Promise.reject(new Error('it has none')) },
      failures: { tell: () => {} },
      onSettled: () => {},
      log: pino({ level: 'silent' }),
    });
    const webhook = { id, account_id: api.accountId, profile, retry_schedule: null, timeout_ms: null };
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const { pulled, upTo } = await door.take(webhook, { after: 0, limit: 10 });
      expect(pulled).toMatchObject([{ body: '2' }]);
      const cursor = cursorIn(pulled[0]!.cursor)!;
      expect(cursor.number).toBe(upTo);
      expect(await door.acknowledge(webhook, cursor)).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('uses up no step of its schedule when Postrider cannot run its expression, but when its consumer says so', async () => {
    const { id, profile } = await pulledWebhook({
      transformation: 'data',
      retry_schedule: { delays_ms: [0] },
    });
    await postEvents('pulled.busy', 1);
    let isBusy = true;
    const door = createPullDoor({
      ...{ db: api.db, sealer: api.sealer, userAgent: 'Postrider/1.2.3', scheduleScale: 1 },
      changes: { listen: () => undefined },
      expressions: {
        transform: async () => (isBusy ? { failure: expressionFailure('not_run_in_time') } : { body: '{}' }),
        filter: () => Promise.reject(new Error('it has none')),
      },
      failures: { tell: () => {} },
      onSettled: () => {},
      log: pino({ level: 'silent' }),
    });
    const retry_schedule = { delays_ms: [0] };
    const webhook = { id, account_id: api.accountId, profile, retry_schedule, timeout_ms: null };
    const take = async () => {
      await api.db.execute(
        sql`update deliveries set next_attempt_at = null where webhook_id = ${uuidOf(id)}`,
      );
      return (await door.take(webhook, { after: 0, limit: 10 })).pulled;
    };
    const find = async () => (await get(`/v1/deliveries?webhook_id=${id}`)).json.data[0];
    for (let attempt_count = 1; attempt_count <= 2; attempt_count++) {
      expect(await take()).toEqual([]);
      expect(await find()).toMatchObject({ status: 'queued', attempt_count });
      expect((await find()).next_attempt_at).not.toBeNull();
    }
    isBusy = false;
    const cursor = cursorIn((await take())[0]!.cursor)!;
    const said = await door.report(webhook, [{ ...cursor, answer: nothingSent('expressions_busy') }]);
    expect(said).toMatchObject([{ status: 'failed', next_attempt_at: null }]);
  });

  it('takes what its consumer says of what expired meanwhile, once, and for a quarter of an hour', async () => {
    const { id } = await pulledWebhook();
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    for (let n = 1; n <= 6; n++) await post('/v1/events', { type: 'pulled.late', data: { n }, expires_at });
    const { data, cursor } = (await get(`/v1/webhooks/${id}/poll`)).json;
    const expire = async (where: SQL) => {
      await api.db.execute(
        sql`update deliveries set expires_at = now() where webhook_id = ${uuidOf(id)} and ${where}`,
      );
      // What is stored is rounded to ms, and may be in the future for less than one.
      await waitFor(async () => {
        await endExpired(api.db, 100);
        const left = sql`select from deliveries where webhook_id = ${uuidOf(id)} and ${where} and status = 'queued'`;
        return (await selectRows(api.db, left)).length === 0 || undefined;
      }, 'them to end');
    };
    const deliveryOf = async (n: number) => (await get(`/v1/deliveries/${data[n - 1].delivery_id}`)).json;
    await expire(sql`pull_number <= 4`);
    expect((await deliveryOf(1)).status).toBe('expired');
    const results = [
      { cursor: data[0].cursor, status: 200 },
      { cursor: data[1].cursor, status: 500 },
    ];
    const said = await post(`/v1/webhooks/${id}/poll/ack`, { results });
    expect(said.json.results).toEqual([
      { delivery_id: data[0].delivery_id, status: 'succeeded', next_attempt_at: null },
      { delivery_id: data[1].delivery_id, status: 'expired', next_attempt_at: null },
    ]);
    const none = { delivery_id: null, status: null, next_attempt_at: null };
    const again = await post(`/v1/webhooks/${id}/poll/ack`, { results });
    expect(again.json.results).toEqual([none, none]);
    expect(await deliveryOf(2)).toMatchObject({ status: 'expired', attempt_count: 1 });
    // It is too late for the fourth, and of what comes after it nothing is said.
    await api.db.execute(
      sql`update deliveries set ended_at = now() - interval '16 minutes' where id = ${uuidOf(data[3].delivery_id)}`,
    );
    await expire(sql`pull_number = 6`);
    expect((await post(`/v1/webhooks/${id}/poll/ack`, { cursor: data[4].cursor })).json.acknowledged).toBe(2);
    const ends = await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => (await deliveryOf(n)).status));
    expect(ends).toEqual(['succeeded', 'expired', 'succeeded', 'expired', 'succeeded', 'expired']);
    expect((await post(`/v1/webhooks/${id}/poll/ack`, { cursor })).json.acknowledged).toBe(1);
  });

  it('says of what will have expired by its next attempt that there is none', async () => {
    const { id } = await pulledWebhook({ retry_schedule: { delays_ms: [0, 3_600_000, 3_600_000] } });
    const expires_at = new Date(Date.now() + 2_000).toISOString();
    await post('/v1/events', { type: 'pulled.last', data: {}, expires_at });
    const { cursor } = (await get(`/v1/webhooks/${id}/poll`)).json;
    const results = [{ cursor, status: 500 }];
    const { json } = await post(`/v1/webhooks/${id}/poll/ack`, { results });
    expect(json.results).toMatchObject([{ status: 'queued', next_attempt_at: null }]);
    const { data } = (await get(`/v1/deliveries?webhook_id=${id}`)).json;
    expect(data).toMatchObject([{ status: 'queued', next_attempt_at: null }]);
  });

  it('takes a hundred results in one transaction, and answers each in its place', async () => {
    const { id } = await pulledWebhook({ retry_schedule: { delays_ms: [0, 3_600_000] } });
    const events = Array.from({ length: 99 }, (_, n) => ({ type: 'pulled.many', data: { n } }));
    await post('/v1/events/batch', { events });
    const { data } = (await get(`/v1/webhooks/${id}/poll?limit=250`)).json as { data: Pulled[] };
    const results = data.map(({ cursor }, n) => ({ cursor, status: n % 3 === 0 ? 503 : 204 })).reverse();
    const first = results[0] as (typeof results)[number];
    const transactions = vi.spyOn(api.db, 'transaction');
    onTestFinished(() => transactions.mockRestore());
    const { json } = await post(`/v1/webhooks/${id}/poll/ack`, {
      results: [...results, { ...first, status: 500 }],
    });
    expect(transactions).toHaveBeenCalledTimes(1);
    const expected = data
      .map(({ delivery_id }, n) => ({ delivery_id, status: n % 3 === 0 ? 'queued' : 'succeeded' }))
      .reverse();
    expect(json.results).toMatchObject([...expected, { delivery_id: null, status: null }]);
    const failed = (await get(`/v1/deliveries?webhook_id=${id}&status=queued&limit=250`)).json.data;
    expect(failed).toHaveLength(33);
  });

  it('waits for a delivery as long as it is asked to', async () => {
    const { id } = await pulledWebhook();
    expect((await get(`/v1/webhooks/${id}/poll?wait=1`)).json).toEqual({ data: [], cursor: null });
    const waiting = get(`/v1/webhooks/${id}/poll?wait=30`);
    await postEvents('pulled.wait', 1);
    expect(numbers((await waiting).json)).toEqual([1]);
  });

  it('sends no more along a stream than its window, and goes on after the message that is named', async () => {
    const { id } = await pulledWebhook();
    await postEvents('pulled.stream', 4);
    const headers = { authorization: `Bearer ${api.key}` };
    const open = (more: object = {}) =>
      openEventStream(`${api.origin}/v1/webhooks/${id}/listen?window=2`, { ...headers, ...more });
    const deliveries = (stream: Awaited<ReturnType<typeof open>>) =>
      stream.messages.filter(({ event }) => event === 'delivery').map(({ data }) => data);
    const has = (stream: Awaited<ReturnType<typeof open>>, count: number) =>
      waitFor(async () => deliveries(stream).length >= count || undefined, `${count} deliveries`);
    const first = await open();
    await has(first, 2);
    const [one, two] = deliveries(first);
    await post(`/v1/webhooks/${id}/poll/ack`, { results: [{ cursor: one.cursor, status: 200 }] });
    await has(first, 3);
    expect(numbers({ data: deliveries(first) })).toEqual([1, 2, 3]);
    await first.close();
    const second = await open({ 'Last-Event-ID': two.cursor });
    await has(second, 1);
    const anew = await open();
    await has(anew, 2);
    expect(numbers({ data: deliveries(second) })).toEqual([3]);
    expect(numbers({ data: deliveries(anew) })).toEqual([2, 3]);
    await Promise.all([second.close(), anew.close()]);
  });
});

it('a stream ends after its time, since it may be that nobody is there, and is to be asked for again', async () => {
  const { id } = await pulledWebhook();
  const usual = { ...listening };
  onTestFinished(() => void Object.assign(listening, usual));
  Object.assign(listening, { heartbeatMs: 20, mostMs: 100 });
  const headers = { authorization: `Bearer ${api.key}` };
  const stream = await openEventStream(`${api.origin}/v1/webhooks/${id}/listen`, headers);
  await stream.ended();
  expect(stream.messages.map(({ event }) => event)).toEqual(['ready', 'again']);
});

it('a stream that nobody reads is cut off after its time, and not ended twice, which would end the process', async () => {
  const { id } = await pulledWebhook();
  // More than the kernel takes for a connection.
  const event = { type: 'pulled.unread', data: { filling: 'x'.repeat(240_000) } };
  await Promise.all(Array.from({ length: 64 }, () => post('/v1/events', event)));
  const usual = { ...listening };
  onTestFinished(() => void Object.assign(listening, usual));
  Object.assign(listening, { heartbeatMs: 50, mostMs: 1_000 });
  const destroy = vi.spyOn(ServerResponse.prototype, 'destroy');
  onTestFinished(() => destroy.mockRestore());

  const { hostname, port } = new URL(api.origin);
  const socket = connect(Number(port), hostname).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const path = `/v1/webhooks/${id}/listen?window=100`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: postrider.test\r\nAuthorization: Bearer ${api.key}\r\n\r\n`);
  await waitFor(async () => destroy.mock.calls.length > 0 || undefined, 'it to be cut off');
  expect((await get(`/v1/webhooks/${id}/poll?limit=1`)).status).toBe(200);
});

describe('bad input', () => {
  it('is refused with the field’s name: a cursor of another webhook, or one that was never handed out', async () => {
    const [mine, others] = [await pulledWebhook(), await pulledWebhook()];
    await postEvents('pulled.cursor', 1);
    const { cursor } = (await get(`/v1/webhooks/${others.id}/poll`)).json;
    const forged = Buffer.from(`${mine.id}/99/1700000000000`).toString('base64url');
    for (const [wrong, detail] of [
      [cursor, 'is a cursor of another webhook'],
      [forged, 'was not handed out here'],
      ['nonsense', 'is not a cursor of a webhook’s queue'],
    ]) {
      const polled = await get(`/v1/webhooks/${mine.id}/poll?cursor=${wrong}`);
      expect([polled.status, polled.json.errors]).toEqual([400, [{ parameter: 'cursor', detail }]]);
      const listened = await api.request('GET', `/v1/webhooks/${mine.id}/listen`, {
        headers: { 'Last-Event-ID': wrong as string },
      });
      expect([listened.status, listened.json.errors]).toEqual([400, [{ header: 'Last-Event-ID', detail }]]);
      const acknowledged = await post(`/v1/webhooks/${mine.id}/poll/ack`, { cursor: wrong });
      expect([acknowledged.status, acknowledged.json.errors]).toEqual([
        422,
        [{ pointer: '/cursor', detail }],
      ]);
      const results = [{ cursor: wrong, status: 200 }];
      const reported = await post(`/v1/webhooks/${mine.id}/poll/ack`, { results });
      expect([reported.status, reported.json.errors[0].pointer]).toEqual([422, '/results/0/cursor']);
    }
    expect((await get(`/v1/webhooks/${mine.id}/poll`)).json.data).toHaveLength(1);
  });

  it('is settings that are for requests, and a change between URL and none', async () => {
    const url = 'https://receiver.test/';
    const wrong = { url: null, events: ['*'], rate_limit: 1, headers: { 'X-A': 'b' } };
    const pointers = ({ json }: { json: { errors: { pointer: string }[] } }) =>
      json.errors.map(({ pointer }) => pointer);
    expect(pointers(await post('/v1/webhooks', wrong))).toEqual(['/headers', '/rate_limit']);
    const lapsing = { url, events: ['*'], lapses_after_s: 60 };
    expect(pointers(await post('/v1/webhooks', lapsing))).toEqual(['/lapses_after_s']);
    const sent = (await post('/v1/webhooks', { url, events: ['other'] })).json;
    const pulled = await pulledWebhook();
    const change = (id: string, body: unknown) => api.request('PATCH', `/v1/webhooks/${id}`, { body });
    expect(pointers(await change(sent.id, { url: null }))).toEqual(['/url']);
    expect(pointers(await change(pulled.id, { url }))).toEqual(['/url']);
    expect((await change(pulled.id, { lapses_after_s: 60 })).json.lapses_after_s).toBe(60);
    for (const path of [`${sent.id}/poll`, `${sent.id}/listen`]) {
      expect((await get(`/v1/webhooks/${path}`)).json.code).toBe('webhook_has_url');
    }
    for (const path of ['disable', 'enable']) {
      expect((await post(`/v1/webhooks/${pulled.id}/${path}`, {})).json.code).toBe('webhook_without_url');
    }
    const other = await api.request('GET', `/v1/webhooks/${pulled.id}/poll`, { key: api.otherKey });
    expect(other.status).toBe(404);
  });
});
