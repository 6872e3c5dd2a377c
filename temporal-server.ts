import type { Logger } from 'pino';
import type { Config } from './config.ts';

/** Temporal's frontend, given by the settings or started here. */
export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string | undefined;
  /** Resolves, with the reason, when a server that was started here has ended by itself. */
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

const never = new Promise<never>(() => {});

/** The server at TEMPORAL_ADDRESS; without that setting a development server in the data folder. */
export async function openTemporalServer(
  config: Config,
  _options: { log: Logger; report: (line: string) => void },
): Promise<TemporalServer> {
  const address = config.TEMPORAL_ADDRESS;
  if (address !== undefined) return { address, uiUrl: undefined, failed: never, close: async () => {} };
  throw new Error('not yet');
}
