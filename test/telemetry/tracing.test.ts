import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTracingOn, openTracing, type Tracing } from '../../telemetry/tracing.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  links?: { traceId: string }[];
}

/** Takes spans as a collector does (OTLP/HTTP, JSON). */
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      if (request.url === '/v1/traces') bodies.push(body);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans: (): Span[] =>
      bodies.flatMap((body) =>
        JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
          scopeSpans.flatMap(({ spans }) => spans),
        ),
      ),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

const env = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_SERVICE_NAME'];
const callers = { trace: 'a'.repeat(32), span: 'b'.repeat(16) };
const payload = 'marker-payload-4711';

/** Of events that come together, and so share transactions and workflows. */
const others = Array.from({ length: 10 }, (_, n) => `${n}`.repeat(31).concat('c'));
const logLines: string[] = [];

let collector: Awaited<ReturnType<typeof startCollector>>;
let tracing: Tracing;
let postrider: TestPostrider;
let receiver: Receiver;
let history: string;
let spans: Span[];
beforeAll(async () => {
  collector = await startCollector();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  process.env.OTEL_SERVICE_NAME = 'the-service';
  tracing = (await openTracing(process.env)) as Tracing;
  receiver = await startReceiver((_, index) => (index === 0 ? 500 : 200));
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logLines.push(String(chunk));
      done();
    },
  });
  const log = pino({ level: 'info', mixin: tracing.idsForLog }, sink);
  postrider = await startTestPostrider({ SEND_TRACEPARENT: 'true' }, { tracing, log });
  await postrider.createWebhook({
    ...{ url: `${receiver.url}?token=marker-url-4711`, events: ['*'] },
    retry_schedule: { delays_ms: [0, 100] },
  });
  const posted = await postrider.request(
    'POST',
    '/v1/events',
    { type: 'traced', data: { payload } },
    { traceparent: `00-${callers.trace}-${callers.span}-01` },
  );
  expect(posted.status).toBe(202);
  const delivery = await postrider.deliveryIs(posted.json.id, 'succeeded');
  const workflow = await postrider.startedWorkflow(delivery.workflow_id);
  await workflow.result();
  history = JSON.stringify(await workflow.fetchHistory());
  await waitFor(async () => {
    const { json } = await postrider.request('GET', `/v1/events/${posted.json.id}`);
    return json.deliveries[0].attempt_count === 2 ? true : undefined;
  }, 'two attempts');
  const together = await Promise.all(
    others.map((trace) => {
      const headers = { traceparent: `00-${trace}-${callers.span}-01` };
      return postrider.request('POST', '/v1/events', { type: 'traced', data: { trace } }, headers);
    }),
  );
  for (const { json } of together) await postrider.deliveryIs(json.id, 'succeeded');
  await postrider.stop();
  await tracing.close();
  spans = collector.spans().filter(({ traceId }) => traceId === callers.trace);
}, 60_000);
afterAll(async () => {
  for (const name of env) delete process.env[name];
  await postrider.close();
  await receiver.close();
  await collector.close();
});

function only(name: string): Span {
  const found = spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0] as Span;
}

const below = (parent: Span) => spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId);

describe('a trace', () => {
  test('goes on from the caller’s through request, workflow and activities to each request to the receiver', () => {
    const request = only('POST /v1/events');
    expect(request.parentSpanId).toBe(callers.span);
    const start = only('start deliverEvents');
    expect(start.parentSpanId).toBe(request.spanId);
    only('activity attemptPending');
    const activities = spans.filter(({ name }) => name.startsWith('activity '));
    for (const { parentSpanId } of activities) expect(parentSpanId).toBe(start.spanId);
    const attempts = spans.filter(({ name }) => name === 'attempt');
    // The process that stored the event may have made the first attempt, which the workflow's activity joined.
    const [first, second] = attempts.sort(
      (one, other) => Number(one.startTimeUnixNano) - Number(other.startTimeUnixNano),
    );
    const makers = activities.map(({ spanId }) => spanId);
    expect([request.spanId, ...makers]).toContain(first?.parentSpanId);
    expect(makers).toContain(second?.parentSpanId);
    expect(attempts).toHaveLength(2);
    for (const attempt of attempts) expect(below(attempt).map(({ name }) => name)).toEqual(['POST']);
  });

  test('is told to receivers where the setting says so: each request by its own span', () => {
    const sent = spans.filter(({ name }) => name === 'POST').map(({ spanId }) => spanId);
    const told = receiver.received.slice(0, 2).map(({ headers }) => headers.traceparent);
    expect(new Set(told)).toEqual(new Set(sent.map((spanId) => `00-${callers.trace}-${spanId}-01`)));
  });

  test('is each event’s own, also of those that share a workflow', () => {
    const received = receiver.received.slice(2);
    expect(received).toHaveLength(others.length);
    for (const { headers, body } of received) {
      expect(headers.traceparent).toContain(`00-${JSON.parse(body).data.trace}-`);
    }
  });

  test('is named by the lines of the log that belong to it', () => {
    const lines = logLines.map((line) => JSON.parse(line));
    const messages = lines.filter(({ trace_id }) => trace_id === callers.trace).map(({ msg }) => msg);
    expect(messages.sort()).toEqual(['attempt failed', 'delivered', 'request']);
  });

  test('holds ids, and no payload and no URL; in Temporal’s history it is a header', () => {
    const text = collector.bodies.join('\n');
    expect(text).toContain('the-service');
    for (const hidden of [payload, 'marker-url-4711', postrider.key]) expect(text).not.toContain(hidden);
    const keys = spans.flatMap(({ attributes }) => attributes.map(({ key }) => key));
    for (const id of ['account_id', 'event_id', 'webhook_id', 'delivery_id', 'workflow_id', 'request_id']) {
      expect(keys).toContain(`postrider.${id}`);
    }
    expect(history).toContain('traceparent');
    expect(history).not.toContain(payload);
  });
});

test('tracing is on where a collector is named, and not switched off', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  expect(isTracingOn({})).toBe(false);
  expect(isTracingOn({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toBe(false);
  expect(isTracingOn(endpoint)).toBe(true);
  expect(isTracingOn({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' })).toBe(true);
  expect(isTracingOn({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBe(false);
  expect(isTracingOn({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false);
});
