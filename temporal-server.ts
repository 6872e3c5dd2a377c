import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { type DevelopmentServer, startDevelopmentServer } from './temporal/development-server.ts';
import { findTemporalCli } from './temporal/find-cli.ts';
import { searchAttributes } from './temporal/search-attributes.ts';

/** Temporal's frontend, given by the settings or started here. */
export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string | undefined;
  /** Resolves, with the reason, when a server that was started here has ended and does not start again. */
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

export interface TemporalServerOptions {
  /** Where a development server keeps its database: a folder that this process has for itself. */
  folder: string | undefined;
  env: NodeJS.ProcessEnv;
  log: Logger;
  report: (line: string) => void;
}

/**
 * The server at TEMPORAL_ADDRESS; without that setting a development server, which is started again when it ends by itself.
 * @throws TemporalCliNotFound, DevelopmentServerFailed
 */
export async function openTemporalServer(
  config: Config,
  options: TemporalServerOptions,
): Promise<TemporalServer> {
  const address = config.TEMPORAL_ADDRESS;
  if (address !== undefined) {
    return { address, uiUrl: undefined, failed: new Promise(() => {}), close: async () => {} };
  }
  const { folder, env, log, report } = options;
  const cli = await findTemporalCli({ env, report });
  const start = (ports: { port?: number | undefined; uiPort?: number | undefined }) =>
    startDevelopmentServer({
      cli,
      env,
      databaseFile: folder === undefined ? undefined : join(folder, 'temporal.db'),
      namespace: config.TEMPORAL_NAMESPACE,
      searchAttributes,
      log: (line) => log.debug({ from: 'temporal-server' }, line),
      ...ports,
    });
  const first = await start({ port: config.TEMPORAL_PORT, uiPort: config.TEMPORAL_UI_PORT });
  return keepRunning(first, start, log);
}

/** A busy machine, or a port that is still held, may let a start fail. */
const mostTries = 5;
const pauseMs = 2_000;

function keepRunning(
  first: DevelopmentServer,
  start: (ports: { port: number; uiPort: number }) => Promise<DevelopmentServer>,
  log: Logger,
): TemporalServer {
  const samePorts = { port: portOf(`http://${first.address}`), uiPort: portOf(first.uiUrl) };
  let current = first;
  let isClosing = false;

  const failed = (async () => {
    for (;;) {
      const how = await current.exited;
      // Whoever closes it waits for its end, and asks no more.
      if (isClosing) return new Promise<never>(() => {});
      log.warn({ how }, 'the Temporal development server ended by itself: starting it again');
      for (let tries = 1; ; tries += 1) {
        try {
          current = await start(samePorts);
          break;
        } catch (error) {
          if (isClosing) return new Promise<never>(() => {});
          const why = (error as Error).message;
          if (tries === mostTries)
            return `Temporal's development server ended and does not start again: ${why}`;
          log.warn({ why }, 'the Temporal development server does not start: trying again');
          await delay(pauseMs);
        }
      }
      if (isClosing) await current.stop();
    }
  })();

  return {
    address: first.address,
    uiUrl: first.uiUrl,
    failed,
    async close() {
      isClosing = true;
      await current.stop();
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
