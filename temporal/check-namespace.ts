import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { grpcStatus, grpcStatusOf } from './grpc-status.ts';
import { TemporalNotUsable } from './not-usable.ts';

/** How long to wait for the namespace of a Temporal that is itself being set up. */
const patienceMs = 20_000;
const pauseMs = 500;
/** Less than this, and who looks for yesterday's failure in the Temporal UI finds nothing. */
const leastRetentionHours = 24;

/**
 * Looks whether the namespace is there, and warns where it forgets workflows within a day of their end. (Postrider itself needs
 * none that has ended.)
 * @throws TemporalNotUsable when there is none, or it is not ours to use
 */
export async function checkNamespace(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
  { log, waitMs = patienceMs }: { log: Pick<Logger, 'warn'>; waitMs?: number },
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      const { config } = await workflowService.describeNamespace({ namespace });
      const hours = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 3_600;
      if (hours > 0 && hours < leastRetentionHours) {
        log.warn(
          { namespace, retention_hours: hours },
          'Temporal forgets workflows within a day of their end: its UI shows none that are older',
        );
      }
      return;
    } catch (error) {
      const problem = problemOf(error, namespace, Date.now() > deadline);
      if (problem !== undefined) throw problem;
      await delay(pauseMs);
    }
  }
}

/** Undefined while there is hope. */
function problemOf(error: unknown, namespace: string, isLate: boolean): unknown {
  const status = grpcStatusOf(error);
  if (status === grpcStatus.permissionDenied || status === grpcStatus.unauthenticated) {
    return new TemporalNotUsable(
      `Temporal does not let us use its namespace ${namespace}: look at TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_CLIENT_CERT_PATH`,
    );
  }
  if (status !== grpcStatus.notFound) return error;
  if (!isLate) return undefined;
  return new TemporalNotUsable(
    `Temporal has no namespace ${namespace}. Make it with
  temporal operator namespace create --namespace ${namespace} --retention 7d
or set TEMPORAL_NAMESPACE to one that is there`,
  );
}
