import { afterAll, beforeAll } from 'vitest';
import { type PostgresUnderTest, startPostgresUnderTest } from './postgres.ts';
import { startTemporalUnderTest, type TemporalUnderTest } from './temporal.ts';

export interface Servers {
  postgres: PostgresUnderTest;
  temporal: TemporalUnderTest;
}

/** The full Temporal server may have to be built first. */
const startMs = 300_000;

/** A PostgreSQL and a Temporal server for the tests of a file or group: there before the first, gone after the last. */
export function serversOfTests(postgresSettings: Readonly<Record<string, string>> = {}): Servers {
  const servers: Partial<Servers> = {};
  beforeAll(async () => {
    const [postgres, temporal] = await Promise.all([
      startPostgresUnderTest(postgresSettings),
      startTemporalUnderTest(),
    ]);
    Object.assign(servers, { postgres, temporal });
  }, startMs);
  afterAll(async () => {
    await servers.postgres?.close();
    await servers.temporal?.close();
  });
  return servers as Servers;
}
