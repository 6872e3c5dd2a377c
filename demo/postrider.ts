import { createInterface } from 'node:readline';
import { settings } from '../config.ts';
import { freePorts } from '../temporal/free-ports.ts';
import { startGuardedChild } from '../temporal/guarded-child.ts';

export interface RunningPostrider {
  readonly apiUrl: string;
  readonly temporalUiUrl: string;
  readonly adminKey: string;
  /** Resolves when it takes requests; rejects when it ends before, or takes too long. */
  readonly ready: Promise<void>;
  /** Resolves, with how it ended, when it has. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/** As long as the first start on a bare machine may take, which may have to build the Temporal CLI. */
const readyMs = 10 * 60_000;
/** Longer than it takes to finish the attempts under way. */
const stopGraceMs = 60_000;

/** 30 s, 2 min, 8 min become 0.6 s, 2.4 s, 9.6 s. */
const scheduleScale = 0.02;

/**
 * Starts all of Postrider as `npm start` does, with its data in the folder, allowed to send to this machine, and with retry
 * delays of seconds. It ends with this process.
 */
export async function startPostrider(options: {
  /** scripts/start.js. */
  startScript: string;
  dataFolder: string;
  adminKey: string;
  log: (line: string) => void;
}): Promise<RunningPostrider> {
  const [port, temporalPort, temporalUiPort] = await freePorts('127.0.0.1', [
    undefined,
    undefined,
    undefined,
  ]);
  const child = startGuardedChild(process.execPath, [options.startScript], {
    ...withoutSettings(process.env),
    PORT: `${port}`,
    TEMPORAL_PORT: `${temporalPort}`,
    TEMPORAL_UI_PORT: `${temporalUiPort}`,
    DATA_DIR: options.dataFolder,
    ADMIN_API_KEY: options.adminKey,
    ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    SCHEDULE_SCALE: `${scheduleScale}`,
    // Each event has a page of its own in the Temporal UI, however fast they are posted.
    EVENTS_PER_WORKFLOW: '1',
    LOG_LEVEL: 'error',
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', options.log);
  }
  const apiUrl = `http://127.0.0.1:${port}`;
  return {
    apiUrl,
    temporalUiUrl: `http://127.0.0.1:${temporalUiPort}`,
    adminKey: options.adminKey,
    ready: ready(apiUrl, child.exited),
    exited: child.exited,
    stop: () => child.stop(stopGraceMs),
  };
}

/** The user's own settings are for the user's own Postrider; only where the Temporal CLI is holds here too. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === 'TEMPORAL_CLI_PATH' || !(name in settings)),
  );
}

async function ready(apiUrl: string, exited: Promise<string>): Promise<void> {
  let how: string | undefined;
  void exited.then((ending) => {
    how = ending;
  });
  const deadline = Date.now() + readyMs;
  for (;;) {
    if (how !== undefined) throw new Error(`Postrider ended at its start: ${how}`);
    if (Date.now() > deadline) throw new Error(`Postrider was not ready after ${readyMs / 60_000} minutes`);
    const answer = await fetch(`${apiUrl}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
