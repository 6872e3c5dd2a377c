import type { Logger } from 'pino';
import { installTemporalRuntime } from './connect.ts';
import { freePorts } from './free-ports.ts';

/** Where Temporal's SDK tells its metrics: on loopback, since whoever can ask needs no key. */
const host = '127.0.0.1';
const patienceMs = 500;

const mostTries = 5;

/**
 * Sets up the SDK's runtime (installTemporalRuntime) with metrics, in which every series carries the process's name, and
 * answers the port of this machine where they are told; undefined where no port was to be had.
 */
export async function installMeasuredRuntime(log: Logger, process: string): Promise<number | undefined> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const [port] = await freePorts(host, [undefined]);
    try {
      installTemporalRuntime(log, { bindAddress: `${host}:${port}`, process });
      return port;
    } catch {
      log.debug({ port }, 'another process took the port meanwhile');
    }
  }
  log.warn('no port was found for the metrics of Temporal’s SDK: /metrics goes without them');
  installTemporalRuntime(log);
  return undefined;
}

/** What the SDK of this process measures, in Prometheus's text format. */
export async function readSdkMetrics(port: number): Promise<string> {
  const answer = await fetch(`http://${host}:${port}/metrics`, { signal: AbortSignal.timeout(patienceMs) });
  return answer.text();
}
