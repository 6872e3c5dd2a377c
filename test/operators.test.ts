import { expect, test } from 'vitest';
import { listenForApi } from '../api-listener.ts';
import { serveOperators } from '../operators.ts';
import { createMeters } from '../telemetry/meters.ts';
import { createScraper } from '../telemetry/scraper.ts';
import { openTestDatabase } from './setup/database.ts';

test('tells metrics and readiness without a key, and nothing else', async () => {
  const listener = await listenForApi('127.0.0.1', 0, { setting: 'METRICS_PORT' });
  const standing = { ready: true, fails: false };
  listener.serve(
    serveOperators({
      readMetrics: async () => {
        if (standing.fails) throw new Error('secret');
        return 'a 1\n';
      },
      isReady: async () => ({ ready: standing.ready, checks: {} }),
    }),
  );
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
    return [answer.status, await answer.text()];
  };
  expect(await ask('/metrics?x=1')).toEqual([200, 'a 1\n']);
  expect(await ask('/healthz')).toEqual([200, '{"status":"ok"}']);
  expect(await ask('/readyz')).toEqual([200, '{"ready":true,"checks":{}}']);
  standing.ready = false;
  standing.fails = true;
  expect((await ask('/readyz'))[0]).toBe(503);
  expect(await ask('/metrics')).toEqual([503, '{"code":"unavailable"}']);
  expect((await ask('/metrics', 'POST'))[0]).toBe(405);
  for (const path of ['/', '/v1/events', '/docs', '/constructor']) expect((await ask(path))[0]).toBe(404);
  await listener.close();
});

test('a process tells its own where nobody collects those of all, and that the database is away', async () => {
  const database = await openTestDatabase();
  await database.close();
  const { read } = createScraper({
    meters: createMeters({ process: '3', version: '1.2.3' }),
    database: { ...database, pool: () => ({ open: 4, idle: 1, waiting: 2 }) },
    intake: { waitingEvents: () => 7 },
    options: {
      process: '3',
      readTemporal: async () => Promise.reject(new Error('away')),
      joinProcesses: () => async () => Promise.reject(new Error('nobody collects them')),
    },
  });
  const text = await read();
  for (const line of [
    'postrider_build_info{version="1.2.3",process="3"} 1',
    'postrider_process_up{process="3"} 1',
    'postrider_intake_waiting_events{process="3"} 7',
    'postrider_database_pool_connections{state="busy",process="3"} 3',
    'postrider_database_pool_waiting{process="3"} 2',
    'postrider_database_up 0',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('postrider_delivery_lag_seconds');
});
