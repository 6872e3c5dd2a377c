import { afterAll, beforeAll } from 'vitest';
import { type PostgresUnderTest, startPostgresUnderTest } from './postgres.ts';
import { startTemporalUnderTest, type TemporalUnderTest } from './temporal.ts';

export interface Servers {
  postgres: PostgresUnderTest;
  temporal: TemporalUnderTest;
}

/** The full Temporal server may have to be built first. */
const startMs = 300_000;

/**
 * A PostgreSQL and a Temporal server for the tests of a file or group: there before the first, gone after the last. The full
 * Temporal server has a PostgreSQL of its own, unless they are to share one, and lets anybody in, unless it wants certificates.
 */
export function serversOfTests(
  postgresSettings: Readonly<Record<string, string>> = {},
  {
    sharePostgres = false,
    wantsCertificates = false,
  }: { sharePostgres?: boolean; wantsCertificates?: boolean } = {},
): Servers {
  const servers: Partial<Servers> = {};
  beforeAll(async () => {
    const starting = startPostgresUnderTest(postgresSettings).then((postgres) => {
      servers.postgres = postgres;
      return postgres;
    });
    const [, temporal] = await Promise.all([
      starting,
      startTemporalUnderTest({
        postgresUrl: sharePostgres ? (await starting).url : undefined,
        wantsCertificates,
      }),
    ]);
    servers.temporal = temporal;
  }, startMs);
  afterAll(async () => {
    // The one is on the other.
    await servers.temporal?.close();
    await servers.postgres?.close();
  });
  return servers as Servers;
}
