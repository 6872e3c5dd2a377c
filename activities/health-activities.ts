import type { Database } from '../db/database.ts';
import { filteredReason } from '../db/deliveries.ts';
import { loadDelivery } from '../db/due-deliveries.ts';
import {
  actorNamed,
  changeKey,
  findEndpointHealth,
  findOutcomesAfter,
  storeEndpointHealth,
} from '../db/endpoint-health.ts';
import { countHeld, discardHeld, endHeld, oldestHeld } from '../db/held-deliveries.ts';
import type { WebhookId } from '../db/ids.ts';
import { holdAllBehind } from '../db/lanes.ts';
import { type Attempter, blocksLane } from '../delivery/attempter.ts';
import type { Intake } from '../delivery/intake.ts';
import type { Lanes } from '../delivery/lanes.ts';
import { tellOperationalEvent } from '../delivery/operational-events.ts';
import type { RecoveryStarter } from '../temporal/recovery-starter.ts';
import type { EndpointHealth, HealthChange, Outcome } from '../webhook/endpoint-health.ts';
import { consecutiveFailures } from '../webhook/endpoint-health.ts';
import type { HealthPolicy } from '../webhook/health-policy.ts';
import { endpointEventData } from '../webhook/operational-types.ts';
import { whileHeartbeating } from './heartbeat.ts';

/** What came of attempting one waiting delivery at a disabled endpoint. */
export type ProbeResult =
  | { outcome: 'succeeded' }
  | { outcome: 'failed'; at: string; reason: string; gone: boolean }
  /** Or a fault of ours kept what waits from being sent: then `because` says which. The next probe is due after the same time. */
  | { outcome: 'nothing waits'; because?: string };

export interface HealthActivities {
  /** What is stored of an endpoint; null when its webhook is deleted. */
  loadHealth(
    webhookId: string,
  ): Promise<{ health: EndpointHealth; policy: HealthPolicy; probe_scale: number } | null>;
  /** Outcomes that are stored after that number, and the number of the last that there is. */
  loadOutcomes(webhookId: string, after: number): Promise<{ outcomes: Outcome[]; last: number }>;
  /**
   * Stores an endpoint's health and tells people what changed, once each however often it is called; null when the webhook
   * is deleted. `last` is the number of the last outcome at that moment.
   */
  saveHealth(update: {
    webhook_id: string;
    health: EndpointHealth;
    changes: HealthChange[];
    /** Who asked: an API key's id, or a name; null when nobody did. */
    by: string | null;
    reason: string | null;
    enables: boolean;
  }): Promise<{ policy: HealthPolicy; last: number } | null>;
  /** Attempts the delivery that has waited longest; its success ends it, and its failure leaves it waiting. */
  probeEndpoint(webhookId: string): Promise<ProbeResult>;
  /** Starts sending what waits, if anything does. */
  recoverHeld(webhookId: string): Promise<void>;
  /** Cancels every delivery that waits. */
  discardHeld(webhookId: string): Promise<void>;
}

const eventTypes = {
  disabled: 'webhook.disabled',
  enabled: 'webhook.enabled',
  warned: 'webhook.failing',
} as const;

export function createHealthActivities({
  db,
  attempter,
  intake,
  recovery,
  lanes,
  scheduleScale,
}: {
  db: Database;
  attempter: Pick<Attempter, 'probe'>;
  intake: Pick<Intake, 'accept'>;
  recovery: Pick<RecoveryStarter, 'startRecovery' | 'tellChanged'>;
  lanes: Pick<Lanes, 'advanceEnded'>;
  /** Multiplies the waits before probes: 1 but in tests. */
  scheduleScale: number;
}): HealthActivities {
  return {
    async loadHealth(webhookId) {
      const stored = await findEndpointHealth(db, webhookId as WebhookId);
      if (stored === undefined) return null;
      return { health: stored.health, policy: stored.policy, probe_scale: scheduleScale };
    },

    async loadOutcomes(webhookId, after) {
      // The last number first: what is stored after it comes with the next look.
      const last = (await findEndpointHealth(db, webhookId as WebhookId))?.last ?? 0;
      return { outcomes: await findOutcomesAfter(db, webhookId as WebhookId, after), last };
    },

    async saveHealth({ webhook_id, health, changes, by, reason, enables }) {
      const id = webhook_id as WebhookId;
      const update = { health, changes, actor: actorNamed(by), reason, enables };
      const stored = await storeEndpointHealth(db, id, update);
      if (stored === undefined) return null;
      if (changes.includes('disabled')) await holdAllBehind(db, id);
      for (const [index, change] of changes.entries()) {
        await tellOperationalEvent(intake, {
          account_id: stored.account_id,
          type: eventTypes[change],
          about_webhook: id,
          key: changeKey(id, health, changes, index),
          data: endpointEventData({
            webhook_id,
            description: stored.description,
            state: health.state,
            reason: reason ?? health.reason,
            consecutive_failures: consecutiveFailures(health, stored.policy),
            since: health.since,
            last_failure: health.last_failure,
            by,
          }),
        });
      }
      return { policy: stored.policy, last: stored.last };
    },

    probeEndpoint: (webhookId) =>
      whileHeartbeating(async () => {
        for (;;) {
          const deliveryId = await oldestHeld(db, webhookId as WebhookId);
          const delivery = deliveryId === undefined ? undefined : await loadDelivery(db, deliveryId);
          if (delivery === undefined) return { outcome: 'nothing waits' };
          const outcome = await attempter.probe(delivery);
          const { status, reason, is_gone: gone, is_final, is_own_fault } = outcome;
          if (status === 'succeeded') return { outcome: 'succeeded' };
          // Just now: it was not attempted.
          if (status === 'expired') continue;
          // The endpoint was not asked: that makes it wait no longer for the next probe.
          if (is_own_fault === true) return { outcome: 'nothing waits', because: reason };
          // Its filter kept it from the endpoint, which so was not asked.
          if (status === 'cancelled' && reason === filteredReason) continue;
          if (is_final && !blocksLane(delivery)) {
            await endHeld(db, delivery.id, reason);
            if (delivery.lane !== null) await lanes.advanceEnded(delivery.webhook.id);
          }
          return { outcome: 'failed', at: new Date().toISOString(), reason, gone };
        }
      }),

    async recoverHeld(webhookId) {
      const stored = await findEndpointHealth(db, webhookId as WebhookId);
      if (stored === undefined) return;
      const webhook = { id: webhookId as WebhookId, account_id: stored.account_id };
      if ((await countHeld(db, webhook.id)) > 0) await recovery.startRecovery(webhook);
      // One that is paused then has nothing left to do.
      else await recovery.tellChanged(webhook);
    },

    discardHeld: (webhookId) =>
      whileHeartbeating(async () => {
        await discardHeld(db, webhookId as WebhookId, 'discarded when its endpoint was enabled');
        await lanes.advanceEnded(webhookId as WebhookId);
      }),
  };
}
