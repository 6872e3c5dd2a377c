import type { TestProject } from 'vitest/node';
import { startPostgresServer } from '../../bench/servers/postgres-server.ts';
import { createServerTemplate } from './database.ts';

/**
 * Starts a throw-away PostgreSQL server for the run, which no test crashes, and names it to the test files in TEST_DATABASE_URL. It ends, and its
 * folder goes, with this process, however that ends.
 */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgresServer({ settings: { fsync: 'off' } });
  await createServerTemplate(url);
  project.config.env.TEST_DATABASE_URL = url;
  return () => stop();
}
