import { sql } from 'drizzle-orm';
import type { OpenDatabase } from './db/database.ts';
import type { TemporalConnection } from './temporal/connect.ts';
import type { RunningWorker } from './temporal/worker.ts';

export interface Readiness {
  ready: boolean;
  checks: Record<string, { ok: boolean; detail?: string }>;
}

/** Long enough for a busy server, short enough for a probe. */
const patienceMs = 1_500;

/** Tells whether this process can do its work: each thing that it needs answers in time. */
export function createReadiness({
  database,
  temporal,
  worker,
}: {
  database: OpenDatabase;
  temporal: TemporalConnection;
  worker: RunningWorker | undefined;
}): () => Promise<Readiness> {
  const checks: Record<string, () => Promise<unknown>> = {
    database: () => database.db.execute(sql`select 1`),
    temporal: () => temporal.client.workflowService.getSystemInfo({}),
    ...(worker === undefined ? {} : { worker: async () => worker.assertRunning() }),
  };
  return async () => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
    );
    return { ready: results.every(([, { ok }]) => ok), checks: Object.fromEntries(results) };
  };
}

async function outcomeOf(check: () => Promise<unknown>): Promise<{ ok: boolean; detail?: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, patienceMs, 'late');
  });
  try {
    const first = await Promise.race([check(), late]);
    return first === 'late' ? { ok: false, detail: `no answer within ${patienceMs / 1000} s` } : { ok: true };
  } catch {
    return { ok: false, detail: 'not available' };
  } finally {
    clearTimeout(timer);
  }
}
