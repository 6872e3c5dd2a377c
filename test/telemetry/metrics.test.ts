import { readFileSync } from 'node:fs';
import { Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installMeasuredRuntime, readSdkMetrics } from '../../temporal/sdk-metrics.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

let postrider: TestPostrider;
let receiver: Receiver;
let text: string;
beforeAll(async () => {
  // That of the other tests has no metrics.
  await Runtime.instance().shutdown();
  const port = await installMeasuredRuntime(pino({ level: 'silent' }), '0');
  const readTemporal = () => readSdkMetrics(port as number);
  postrider = await startTestPostrider({}, { metrics: { process: '0', readTemporal } });
  receiver = await startReceiver((request) => (request.path === '/fails' ? 500 : 200));
  const { url } = receiver;
  await postrider.createWebhook({ url, events: ['fine'] });
  const failing = await postrider.createWebhook({
    ...{ url: new URL('/fails', url).href, events: ['bad'], retry_schedule: { delays_ms: [0, 100] } },
    health: { failures: 1, min_failing_ms: 0, reenable: 'manual' },
  });
  const events = await Promise.all([1, 2, 3].map(() => postrider.postEvent({ type: 'fine', data: {} })));
  for (const { id } of events) await postrider.deliveryIs(id, 'succeeded');
  const bad = await postrider.postEvent({ type: 'bad', data: {}, id: 'once' });
  await postrider.deliveryIs(bad.id, 'failed');
  await waitFor(async () => {
    const { json } = await postrider.request('GET', `/v1/webhooks/${failing.id}/health`);
    return json.state === 'disabled' ? json : undefined;
  }, 'the endpoint to be disabled');
  await postrider.postEvent({ type: 'bad', data: {}, id: 'once' });
  await postrider.postEvent({ type: 'bad', data: {}, id: 'held' });
  text = await waitFor(async () => {
    const answer = await fetch(`${postrider.apiUrl()}/metrics`);
    expect(answer.status).toBe(200);
    const scraped = await answer.text();
    // The sums of a second ago.
    return scraped.includes('postrider_deliveries_held 1') ? scraped : undefined;
  }, 'the held delivery to be counted');
}, 60_000);
afterAll(async () => {
  await postrider.close();
  await receiver.close();
});

/** The value of the series with these labels, its process aside. */
function valueIn(name: string, labels: Record<string, string> = {}): number | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const found = lines.find((line) =>
    Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)),
  );
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

test('events, deliveries and attempts are counted by what became of them', () => {
  expect(valueIn('postrider_events_total', { result: 'accepted' })).toBe(5);
  expect(valueIn('postrider_events_total', { result: 'repeated' })).toBe(1);
  expect(valueIn('postrider_deliveries_created_total', { status: 'pending' })).toBe(4);
  expect(valueIn('postrider_deliveries_created_total', { status: 'held' })).toBe(1);
  expect(valueIn('postrider_deliveries_ended_total', { outcome: 'succeeded' })).toBe(3);
  expect(valueIn('postrider_deliveries_ended_total', { outcome: 'failed' })).toBe(1);
  expect(valueIn('postrider_attempts_total', { trigger: 'schedule', outcome: 'failed' })).toBe(2);
  expect(valueIn('postrider_attempt_failures_total', { reason: 'http_status' })).toBe(2);
  expect(valueIn('postrider_attempt_duration_seconds_count', { outcome: 'succeeded' })).toBe(3);
  expect(valueIn('postrider_first_attempt_delay_seconds_count')).toBe(4);
  expect(valueIn('postrider_intake_group_events_sum')).toBeGreaterThanOrEqual(6);
  expect(valueIn('postrider_attempts_in_flight')).toBe(0);
  expect(valueIn('postrider_attempts_unrecorded')).toBe(0);
  expect(valueIn('postrider_http_requests_total', { route: '/v1/events', status: '202' })).toBe(6);
});

test('endpoints, what is held and what is due come from the database', () => {
  expect(valueIn('postrider_database_up')).toBe(1);
  expect(valueIn('postrider_endpoints', { state: 'healthy' })).toBe(1);
  expect(valueIn('postrider_endpoints', { state: 'disabled' })).toBe(1);
  expect(valueIn('postrider_deliveries_held')).toBe(1);
  expect(valueIn('postrider_deliveries_due')).toBe(0);
  expect(valueIn('postrider_delivery_lag_seconds')).toBe(0);
});

test('Node’s and Temporal’s own metrics stand beside them, each with its head and the process', () => {
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_cpu_seconds_total']) {
    expect(valueIn(name, { process: '0' }), name).toBeGreaterThanOrEqual(0);
  }
  expect(valueIn('temporal_workflow_completed_total', { process: '0' })).toBeGreaterThan(0);
  const heads = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name);
  expect(new Set(heads).size).toBe(heads.length);
});

test('the dashboard and the alert rules ask for nothing that is not told', () => {
  const told = new Set([
    ...[...text.matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name),
    // Of a pool, which an embedded database has not.
    ...['postrider_database_pool_connections', 'postrider_database_pool_waiting'],
    // Where a webhook has a client certificate.
    'postrider_client_certificate_ends_seconds',
  ]);
  for (const file of ['prometheus/alerts.yml', 'grafana/postrider.json']) {
    const source = readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
    const asked = new Set(
      [...source.matchAll(/\b(?:postrider|temporal|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name),
    );
    expect(asked.size).toBeGreaterThan(10);
    for (const name of asked) expect(told.has(name), `${file} asks for ${name}`).toBe(true);
  }
});
