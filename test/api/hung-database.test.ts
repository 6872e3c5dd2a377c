import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../../bench/servers/postgres-server.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { createServerTemplate } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

const shared = process.env.TEST_DATABASE_URL;

describe.runIf(shared)('while PostgreSQL hangs', () => {
  let server: PostgresServer;
  let api: TestApi;
  beforeAll(async () => {
    // One of its own, since the others' would hang with it.
    server = await startPostgresServer();
    await createServerTemplate(server.url);
    process.env.TEST_DATABASE_URL = server.url;
    api = await startTestApi();
    process.env.TEST_DATABASE_URL = shared;
    await api.request('POST', '/v1/webhooks', { body: { url: 'https://receiver.test/', events: ['*'] } });
  });
  afterAll(async () => {
    signalServer('SIGCONT');
    await api.close();
    await server.stop();
  });

  function signalServer(signal: 'SIGSTOP' | 'SIGCONT') {
    const children = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => parentOf(pid) === server.pid)
      .map(Number);
    for (const pid of [server.pid, ...children]) process.kill(pid, signal);
  }

  function parentOf(pid: string): number | undefined {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
    } catch {
      return undefined;
    }
  }

  async function post(key: string) {
    const startedAt = performance.now();
    const answer = await api.request('POST', '/v1/events', {
      body: { type: 'message.read', data: { key } },
      headers: { 'Idempotency-Key': key },
    });
    return { ...answer, tookMs: performance.now() - startedAt };
  }

  test('every event is answered with 503 and when to try again, within two seconds; then each is stored once', async () => {
    const before = await post('before');
    expect(before.status).toBe(202);

    signalServer('SIGSTOP');
    const keys = Array.from({ length: 50 }, (_, n) => `hung-${n}`);
    const answers = await Promise.all(keys.map(post));
    for (const { status, headers, json, tookMs } of answers) {
      expect(status).toBe(503);
      expect(json.code).toBe('database_unavailable');
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      // Half a second for a machine that is busy with other tests.
      expect(tookMs).toBeLessThan(2_500);
    }
    expect((await api.request('GET', '/v1/events')).status).toBe(503);

    signalServer('SIGCONT');
    const ids = new Set<string>();
    for (const key of keys) {
      const stored = await waitFor(async () => {
        const answer = await post(key);
        return answer.status === 202 ? answer : undefined;
      }, 'the database to store again');
      ids.add(stored.json.id);
    }
    expect(ids.size).toBe(keys.length);
    const { json } = await api.request('GET', '/v1/events?limit=250');
    expect(json.data).toHaveLength(keys.length + 1);
  }, 60_000);

  test('events that are stored are answered soon, though their types cannot be listed', async () => {
    const types = Array.from({ length: 5 }, (_, n) => `unlisted.type-${n}`);
    await api.db.transaction(async (tx) => {
      await tx.execute(sql`lock table event_types in share mode`);
      const startedAt = performance.now();
      const [one, batch] = await Promise.all([
        api.request('POST', '/v1/events', { body: { type: 'unlisted.type', data: {} } }),
        api.request('POST', '/v1/events/batch', {
          body: { events: types.map((type) => ({ type, data: {} })) },
        }),
      ]);
      expect(performance.now() - startedAt).toBeLessThan(2_500);
      expect(one.status).toBe(202);
      expect(batch.json.results).toMatchObject(types.map(() => ({ status: 'accepted' })));
    });
    await waitFor(async () => {
      const { json } = await api.request('GET', '/v1/event-types?limit=250');
      const listed = json.data.map(({ name }: { name: string }) => name);
      return types.every((type) => listed.includes(type)) ? listed : undefined;
    }, 'the types to be listed');
  });
});
