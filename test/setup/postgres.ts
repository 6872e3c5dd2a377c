import type { TestProject } from 'vitest/node';
import { startPostgresServer } from '../../bench/servers/postgres-server.ts';

/**
 * Starts a throw-away PostgreSQL server for the run and names it to the test files in TEST_DATABASE_URL. It ends, and its
 * folder goes, with this process, however that ends.
 */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgresServer();
  project.config.env.TEST_DATABASE_URL = url;
  return () => stop();
}
