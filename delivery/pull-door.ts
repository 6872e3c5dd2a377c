import type { Database } from '../db/database.ts';
import { cancelFiltered } from '../db/deliveries.ts';
import type { Sealer } from '../db/encryption.ts';
import type { WebhookId } from '../db/ids.ts';
import { countAttemptsBeside } from '../db/own-faults.ts';
import { countTaken, type Queued, takeQueued } from '../db/pull-queue.ts';
import { nothingSent } from '../webhook/answer.ts';
import { buildRequest } from '../webhook/request.ts';
import { UnsendableEventError } from '../webhook/unsendable-event.ts';
import { attemptsBeside } from './attempts-beside.ts';
import type { ChangesFeed } from './changes-feed.ts';
import { eventToSend } from './event-to-send.ts';
import { hasExpired } from './expirer.ts';
import type { Expressions } from './expressions.ts';
import { textOfCursor } from './pull-cursor.ts';
import { createPullSettler, type PulledWebhook, type PullSettler } from './pull-settler.ts';
import { askFilterAgain, bodyOf, isFilterDue } from './shaped-body.ts';
import { createTargetOpener } from './target.ts';

/** A delivery as its consumer gets it: the request that a URL would have got. */
export interface Pulled {
  cursor: string;
  delivery_id: string;
  /** As its receiver knows the event. */
  event_id: string;
  event_type: string;
  /** 1 for the first. */
  attempt: number;
  headers: Record<string, string>;
  /** What is signed, in UTF-8. */
  body: string;
}

/** Where consumers pull the deliveries of webhooks without a URL, and say what became of them. */
export interface PullDoor extends PullSettler {
  /**
   * The deliveries after a place, in their order, and the place up to which was looked. What the webhook's dialect cannot express,
   * or its expressions cannot shape, is left out: it fails.
   */
  take(
    webhook: PulledWebhook,
    range: { after: number; limit: number },
  ): Promise<{ pulled: Pulled[]; upTo: number }>;
  /** How many up to a place wait for what their consumer says of them; counted up to `most`. */
  countTaken(webhook: PulledWebhook, upTo: number, most: number): Promise<number>;
  /**
   * Calls `look` now and whenever there may be more to take, and `end` when there is no more to come, until the answered function
   * is called. Undefined when too many watch.
   */
  watch(webhook: PulledWebhook, watcher: { look(): void; end(): void }): (() => void) | undefined;
}

/** Of the data of events that are handed out at once. */
const mostBytes = 4 * 1024 * 1024;
/** So often is looked in any case, in ms: what is to be attempted again becomes due without a change. */
const lookEveryMs = 2_000;

export function createPullDoor({
  db,
  changes,
  userAgent,
  expressions,
  ...dependencies
}: {
  changes: Pick<ChangesFeed, 'listen'>;
  sealer: Sealer;
  expressions: Pick<Expressions, 'filter' | 'transform'>;
  userAgent: string;
  db: Database;
} & Parameters<typeof createPullSettler>[0]): PullDoor {
  const settler = createPullSettler({ db, ...dependencies });
  // No URL is looked at.
  const targets = createTargetOpener({ sealer: dependencies.sealer, allowedPrivateCidrs: [] });
  const lookers = new Map<WebhookId, Set<() => void>>();

  function lookAgain({ id }: PulledWebhook) {
    for (const look of lookers.get(id) ?? []) look();
  }

  async function handOut(
    webhook: PulledWebhook,
    { number, delivery }: Queued,
  ): Promise<Omit<Pulled, 'cursor'> | undefined> {
    const attemptedAt = new Date();
    const event = eventToSend(delivery.event);
    try {
      const asked = isFilterDue(delivery, 'pull') ? await askFilterAgain(expressions, delivery) : 'passes';
      if (asked === 'filtered') {
        await cancelFiltered(db, delivery.id);
        return undefined;
      }
      const target = targets.open(delivery.webhook);
      const made = asked === 'passes' ? await bodyOf(expressions, delivery, target.profile, event) : asked;
      if (typeof made !== 'string') {
        const attempts_beside = await attemptsBeside(delivery, made.reason, (id) =>
          countAttemptsBeside(db, id),
        );
        await settler.report(webhook, [
          { number, at_ms: attemptedAt.getTime(), answer: made, attempts_beside },
        ]);
        return undefined;
      }
      // A webhook without a URL has none (api/pull-settings.ts).
      const auth = { type: 'none' } as const;
      const { headers, body } = buildRequest({ ...target, auth, event, body: made, attemptedAt, userAgent });
      return {
        ...{ delivery_id: delivery.id, event_id: event.id, event_type: event.type },
        attempt: delivery.attempt_count + 1,
        ...{ headers, body },
      };
    } catch (error) {
      if (!(error instanceof UnsendableEventError)) throw error;
      const answer = nothingSent('unsendable');
      await settler.report(webhook, [{ number, at_ms: attemptedAt.getTime(), answer }]);
      return undefined;
    }
  }

  return {
    async take(webhook, { after, limit }) {
      const queued = await takeQueued(db, webhook.id, { after, limit, mostBytes });
      const made: { one: Queued; item: Omit<Pulled, 'cursor'> }[] = [];
      for (const one of queued) {
        const item = await handOut(webhook, one);
        if (item !== undefined) made.push({ one, item });
      }
      // Expressions may have been waited for meanwhile. What has expired by this moment is not counted as handed out.
      const at_ms = Date.now();
      const pulled = made
        .filter(({ one }) => !hasExpired(one.delivery, at_ms))
        .map(({ one: { number }, item }) => ({
          cursor: textOfCursor({ webhook_id: webhook.id, number, at_ms }),
          ...item,
        }));
      return { pulled, upTo: queued.at(-1)?.number ?? after };
    },

    countTaken: (webhook, upTo, most) => countTaken(db, webhook.id, upTo, most),

    async acknowledge(webhook, cursor) {
      const count = await settler.acknowledge(webhook, cursor);
      lookAgain(webhook);
      return count;
    },

    async report(webhook, results) {
      const outcomes = await settler.report(webhook, results);
      lookAgain(webhook);
      return outcomes;
    },

    watch({ id, account_id }, { look, end }) {
      const leave = changes.listen(account_id, undefined, {
        ready: look,
        tell(told) {
          if (told.some(({ event, data }) => event === 'event' || data.webhook_id === id)) look();
        },
        reset: look,
        end,
      });
      if (leave === undefined) return undefined;
      const here = lookers.get(id) ?? new Set();
      lookers.set(id, here.add(look));
      const timer = setInterval(look, lookEveryMs).unref();
      return () => {
        clearInterval(timer);
        here.delete(look);
        if (here.size === 0) lookers.delete(id);
        leave();
      };
    },
  };
}
