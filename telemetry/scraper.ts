import { Gauge, Registry } from 'prom-client';
import type { Database, OpenDatabase } from '../db/database.ts';
import type { OpenIntake } from '../delivery/intake.ts';
import { mergeExpositions } from './exposition.ts';
import type { Meters } from './meters.ts';
import { processMeters } from './process-meters.ts';
import { createStandingMeters } from './standing-meters.ts';

/** What the processes told that share this one's port, and which of them did not in time. */
export interface Told {
  /** By process. */
  texts: Record<string, string>;
  missing: string[];
}

/** Tells this process's own metrics to whoever asks for those of all, and asks all of them. */
export type JoinProcesses = (readOwn: () => Promise<string>) => () => Promise<Told>;

export interface Scraper {
  /** All metrics in Prometheus's text format: of every process that shares the port, and what the database knows. */
  read(): Promise<string>;
}

/** Where this process's metrics come from, as far as others know it. */
export interface MetricsOptions {
  /** What tells this process from those beside it, and stays when it is started again. */
  process: string;
  /** What Temporal's SDK measures in this process, in the same format. */
  readTemporal?: () => Promise<string>;
  /** Absent where it is alone. */
  joinProcesses?: JoinProcesses;
}

export function createScraper({
  meters,
  database,
  intake,
  options: { process, readTemporal = async () => '', joinProcesses },
}: {
  meters: Meters;
  database: Pick<OpenDatabase, 'pool'> & { db: Database };
  intake: Pick<OpenIntake, 'waitingEvents'>;
  options: MetricsOptions;
}): Scraper {
  const standing = createStandingMeters({ db: database.db });

  async function readOwn(): Promise<string> {
    meters.intakeWaiting.set(intake.waitingEvents());
    const pool = database.pool?.();
    if (pool !== undefined) {
      meters.poolConnections.set({ state: 'idle' }, pool.idle);
      meters.poolConnections.set({ state: 'busy' }, pool.open - pool.idle);
      meters.poolWaiting.set(pool.waiting);
    }
    return mergeExpositions([
      await meters.registry.metrics(),
      await processMeters(process).metrics(),
      await readTemporal().catch(() => ''),
    ]);
  }

  const tellOwn = async (): Promise<Told> => ({ texts: { [process]: await readOwn() }, missing: [] });
  const join = joinProcesses?.(readOwn);
  // Better this one's alone than nothing, where nobody collects them.
  const askAll = join === undefined ? tellOwn : () => join().catch(tellOwn);
  return {
    async read() {
      const [{ texts, missing }, overall] = await Promise.all([askAll(), standing.read()]);
      const up = await upOf(Object.keys(texts), missing);
      return mergeExpositions([...Object.values(texts), overall, up]);
    },
  };
}

/** Which processes have answered. */
async function upOf(answered: readonly string[], missing: readonly string[]): Promise<string> {
  const registry = new Registry();
  const up = new Gauge({
    name: 'postrider_process_up',
    help: 'Whether the process has told its metrics in time.',
    labelNames: ['process'],
    registers: [registry],
  });
  for (const process of answered) up.set({ process }, 1);
  for (const process of missing) up.set({ process }, 0);
  return registry.metrics();
}
