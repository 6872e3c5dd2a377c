import type { Worker } from 'node:cluster';
import type { Announcement } from './announcement.ts';
import type { Told } from './telemetry/scraper.ts';

/** What one of several processes tells the one that looks after them. */
export type FromProcess =
  | { ready: Announcement }
  /** It was asked for the metrics of all; `askMetrics` comes back as `id`. */
  | { askMetrics: number }
  /** Its own metrics, as it was told to. */
  | { id: number; metrics: string }
  /** In how much of its time it was busy of late, from 0 to 1. */
  | { busyShare: number };

/** What the one that looks after them tells each while it runs. */
export type ToProcess =
  | { tellMetrics: number }
  | { id: number; told: Told }
  /** Whether it takes part in the load. */
  | { takesPart: boolean };

/** From the one that looks after them. One that is about to end gets nothing more. */
export function sendTo(worker: Worker, message: ToProcess): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** From one of them to the one that looks after them, if it still runs. */
export function tell(message: FromProcess): void {
  process.send?.(message, undefined, undefined, () => {});
}

/** What the one that looks after them tells each when it starts. */
export interface ProcessSettings {
  temporalUiUrl?: string | undefined;
  /** The first of all takes the port at once, so that a port in use prevents the start; others once they are ready. */
  isFirst: boolean;
  /** Its number among them, from 0 on, which one that is started in its place has as well. */
  number: number;
}

const variable = 'POSTRIDER_PROCESS';

/** As environment variables. */
export function processEnv(settings: ProcessSettings): Record<string, string> {
  return { [variable]: JSON.stringify(settings) };
}

/** A process that is alone is the first. */
export function settingsOfProcess(env: NodeJS.ProcessEnv): ProcessSettings {
  const text = env[variable];
  return text === undefined ? { isFirst: true, number: 0 } : JSON.parse(text);
}
