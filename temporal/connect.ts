import { setTimeout as delay } from 'node:timers/promises';
import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import {
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type Logger as TemporalLogger,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { TemporalCredentials } from './credentials.ts';
import { TemporalNotUsable } from './not-usable.ts';
import { TemporalUnavailable } from './workflow-starter.ts';

export interface TemporalConnection {
  connection: NativeConnection;
  /** Shares the worker's connection, which eager start needs. */
  client: Client;
  close(): Promise<void>;
}

/** How long to wait for a Temporal that is itself starting. */
const patienceMs = 20_000;
const pauseMs = 500;

/**
 * Connects to Temporal's frontend, which may take some seconds to be there.
 * @throws TemporalUnavailable when it does not answer in that time, TemporalNotUsable when it refuses the credentials
 */
export async function connectTemporal(options: {
  address: string;
  namespace: string;
  credentials?: TemporalCredentials;
  interceptor?: WorkflowClientInterceptor | undefined;
  /** @default 20 s */
  waitMs?: number;
}): Promise<TemporalConnection> {
  const { address, namespace, credentials = {}, interceptor, waitMs = patienceMs } = options;
  const connection = await connectWithin({ address, ...credentials }, Date.now() + waitMs);
  const interceptors = { workflow: interceptor === undefined ? [] : [interceptor] };
  const client = new Client({ connection, namespace, interceptors });
  return { connection, client, close: () => connection.close() };
}

async function connectWithin(
  options: { address: string } & TemporalCredentials,
  deadline: number,
): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      const { address, tls } = options;
      const why = error instanceof Error ? error.message : '';
      if (refusal.test(why)) {
        throw new TemporalNotUsable(
          `Temporal at ${address} refuses us: look at TEMPORAL_API_KEY and TEMPORAL_TLS_CLIENT_CERT_PATH`,
        );
      }
      if (Date.now() > deadline) {
        const how = tls === undefined ? 'without TLS' : 'over TLS';
        throw new TemporalUnavailable(
          `Temporal does not answer at ${address} (${how})${handshakeProblem(why)}`,
        );
      }
      await delay(pauseMs);
    }
  }
}

/** UNAUTHENTICATED and PERMISSION_DENIED, which the SDK tells in words alone while it connects. */
const refusal = /valid authentication credentials|does not have permission/;

/** What the SDK says of a connection that was to be encrypted. */
function handshakeProblem(why: string): string {
  const invalid = /InvalidCertificate\((\w+)/.exec(why)?.[1];
  if (invalid !== undefined) return `: its certificate does not do (${invalid})`;
  const alert = /fatal alert: (\w+)/.exec(why)?.[1];
  return alert === undefined ? '' : `: it ended the handshake (${alert})`;
}

/**
 * Sets up the SDK's runtime, once a process and before anything else of the SDK: its logs go to ours, and signals are
 * left to the composition root, which stops things in order. Its metrics are told at `metrics.bindAddress`, with Prometheus's units.
 * @throws Error when that address is in use
 */
export function installTemporalRuntime(
  log: Logger,
  metrics?: { bindAddress: string; process: string },
): void {
  Runtime.install({
    shutdownSignals: [],
    logger: pinoAsTemporalLogger(log.child({ from: 'temporal-sdk' })),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
      ...(metrics === undefined ? {} : { metrics: metricsOptions(metrics) }),
    },
  });
}

function metricsOptions({ bindAddress, process }: { bindAddress: string; process: string }) {
  return {
    globalTags: { process },
    attachServiceName: false,
    prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
  };
}

const levels = { TRACE: 'trace', DEBUG: 'trace', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

/** One level lower than the SDK says for what is everyday: a worker's states are nothing to an operator. */
function pinoAsTemporalLogger(log: Logger): TemporalLogger {
  const write = (level: keyof typeof levels, message: string, meta?: object) =>
    log[levels[level]](meta ?? {}, message);
  return {
    log: (level, message, meta) => write(level, message, meta),
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
