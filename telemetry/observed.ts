import type { Acceptance, NewEvent } from '../db/accept-events.ts';
import { timeOf } from '../db/ids.ts';
import type { AttemptRecord } from '../db/record-attempts.ts';
import type { HttpClient } from '../delivery/http-client.ts';
import type { Intake } from '../delivery/intake.ts';
import type { Recorder } from '../delivery/recorder.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';
import type { Meters } from './meters.ts';

/** The same intake, with what producers posted counted; operational events are Postrider's own. */
export function observeIntake(
  intake: Intake,
  { events, deliveriesCreated }: Pick<Meters, 'events' | 'deliveriesCreated'>,
): Intake {
  // A scheduled event was counted when it came.
  const isPosted = ({ about_webhook, release }: NewEvent) => about_webhook === null && release === undefined;
  const count = (event: NewEvent, acceptance: Acceptance) => {
    if (isPosted(event)) events.inc({ result: acceptance.outcome });
    if (acceptance.outcome !== 'accepted') return;
    for (const { status } of acceptance.deliveries) deliveriesCreated.inc({ status });
  };
  const countRefused = (refused: number) => (error: unknown) => {
    events.inc({ result: 'refused' }, refused);
    throw error;
  };
  return {
    async accept(event: NewEvent) {
      const acceptance = await intake.accept(event).catch(countRefused(1));
      count(event, acceptance);
      return acceptance;
    },
    async acceptAll(all) {
      const acceptances = await intake.acceptAll(all).catch(countRefused(all.filter(isPosted).length));
      for (const [index, event] of all.entries()) count(event, acceptances[index] as Acceptance);
      return acceptances;
    },
    close: intake.close,
  };
}

/** The same recorder; every attempt passes through it. */
export function observeRecorder(recorder: Recorder, meters: Meters): Recorder {
  return {
    async record(record: AttemptRecord) {
      meters.attemptsUnrecorded.inc();
      try {
        const recorded = await recorder.record(record);
        countAttempt(record, recorded, meters);
        return recorded;
      } finally {
        meters.attemptsUnrecorded.dec();
      }
    },
  };
}

/** Counts an attempt that was recorded. */
export function countAttempt(
  { trigger, succeeded, reason, duration_ms, delivery_id, started_at }: AttemptRecord,
  { status, number }: { status: string; number: number },
  meters: Meters,
) {
  const outcome = succeeded ? 'succeeded' : 'failed';
  meters.attempts.inc({ trigger, outcome });
  meters.attemptDuration.observe({ outcome }, duration_ms / 1000);
  if (reason !== null) meters.attemptFailures.inc({ reason });
  // An attempt by hand that fails leaves a delivery as it was.
  const hasEnded = status === 'succeeded' || status === 'failed';
  if (hasEnded && (succeeded || trigger !== 'manual')) meters.deliveriesEnded.inc({ outcome: status });
  if (number === 1 && trigger === 'schedule') {
    meters.firstAttemptDelay.observe((started_at.getTime() - timeOf(delivery_id).getTime()) / 1000);
  }
}

/** The same client, with its posts under way counted. */
export function observeHttp(
  http: HttpClient,
  { attemptsInFlight }: Pick<Meters, 'attemptsInFlight'>,
): HttpClient {
  return {
    post(request) {
      attemptsInFlight.inc();
      return http.post(request).finally(() => attemptsInFlight.dec());
    },
    close: http.close,
  };
}

/** The same starter, with the workflows that own deliveries counted. */
export function observeStarter(
  starter: WorkflowStarter,
  { workflowStarts, workflowEvents }: Pick<Meters, 'workflowStarts' | 'workflowEvents'>,
): WorkflowStarter {
  return {
    ...starter,
    async startDeliverEvents(workflow) {
      try {
        const result = await starter.startDeliverEvents(workflow);
        workflowStarts.inc({ result });
        if (result === 'started') workflowEvents.observe(workflow.event_ids.length);
        return result;
      } catch (error) {
        workflowStarts.inc({ result: 'failed' });
        throw error;
      }
    },
  };
}
