import cluster from 'node:cluster';
import { announce, stoppingLine } from './announcement.ts';
import type { Config } from './config.ts';
import { putHelperThreadsBehind } from './helper-threads.ts';
import { joinLoadSharing } from './load-sharing.ts';
import { createLog } from './log.ts';
import { joinProcesses } from './metrics-relay.ts';
import { startPostrider } from './postrider.ts';
import { settingsOfProcess, tell } from './process-messages.ts';
import type { Role } from './roles.ts';
import { firstStopSignal } from './stop-signals.ts';

import { openTracing } from './telemetry/tracing.ts';
import { installMeasuredRuntime, readSdkMetrics } from './temporal/sdk-metrics.ts';

/**
 * Runs Postrider in this process until a signal stops it or it cannot go on. Among several processes, what is for the user
 * is told to the one that looks after them.
 * @throws what prevents the start
 */
export async function run(
  config: Config,
  { role, env }: { role: Role; env: NodeJS.ProcessEnv },
): Promise<never> {
  // Until it has started there is nothing to finish: what it has opened closes with the process.
  let isStarted = false;
  const signalled = firstStopSignal(() => process.exit(1));
  void signalled.then(() => isStarted || process.exit(1));

  const { temporalUiUrl, isFirst, number } = settingsOfProcess(env);
  const tracing = await openTracing(env);
  const log = createLog(config.LOG_LEVEL, tracing?.idsForLog);
  const report = (line: string) => process.stdout.write(`${line}\n`);
  const sdkMetricsPort = await installMeasuredRuntime(log, `${number}`);
  // Before the worker starts: workflows' own thread is not to starve.
  putHelperThreadsBehind();
  const postrider = await startPostrider(config, {
    ...{ role, env, log, report, listensFirst: isFirst },
    ...(temporalUiUrl === undefined ? {} : { temporalUiUrl }),
    ...(cluster.isWorker ? { takesPart: joinLoadSharing() } : {}),
    tracing,
    metrics: {
      process: `${number}`,
      ...(sdkMetricsPort === undefined ? {} : { readTemporal: () => readSdkMetrics(sdkMetricsPort) }),
      ...(cluster.isWorker ? { joinProcesses } : {}),
    },
  });
  isStarted = true;
  const { apiUrl, madeAdminKey } = postrider;
  const announcement = { apiUrl, madeAdminKey, temporalUiUrl: postrider.temporalUiUrl };
  if (cluster.isWorker) tell({ ready: announcement });
  else announce(announcement, report);

  const failure = await Promise.race([signalled, postrider.failed]);
  if (typeof failure === 'string') process.stderr.write(`postrider: ${failure}\n`);
  if (!cluster.isWorker) report(stoppingLine);
  await postrider.stop();
  await tracing?.close();
  process.exit(typeof failure === 'string' ? 1 : 0);
}
