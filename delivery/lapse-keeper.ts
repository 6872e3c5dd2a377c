import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { DatabaseUnavailable } from '../db/errors.ts';
import {
  deleteLapsedWebhook,
  findLapsedWebhooks,
  type LapsedWebhook,
  readClock,
} from '../db/lapsed-webhooks.ts';

/** Deletes webhooks whose consumers were away for longer than they may be. Runs where these come: beside the API. */
export interface LapseKeeper {
  /** Looks no more, and resolves once nothing is being deleted, or the database has not answered for some seconds. */
  close(): Promise<void>;
}

/** A look at the database's clock, in ms since 1970, and when it was, in ms of `performance.now()`. */
export interface Look {
  at: number;
  clockMs: number;
}

/** Since when, by `performance.now()`, consumers could come and be noted, up to the last look. */
export interface Open extends Look {
  since: number;
}

const lookEveryMs = 15_000;
const timeoutMs = 5_000;
const mostPerLook = 1_000;
/** Two looks that are further apart, in ms, had something between them: this process stood still, or the database was away. */
const mostBetweenMs = 60_000;
/** And when the database's clock went so much further, or less far, than ours, in ms, it was set. */
const mostApartMs = 30_000;
const reason = 'nobody pulled its deliveries for longer than it may be left';

/** What `open` is with one more look: it begins anew when consumers may not have been noted, or by another clock. */
export function openUntil(open: Open | undefined, look: Look): Open {
  const betweenMs = look.at - (open?.at ?? Number.NEGATIVE_INFINITY);
  const isOn =
    open !== undefined &&
    betweenMs <= mostBetweenMs &&
    Math.abs(look.clockMs - open.clockMs - betweenMs) <= mostApartMs;
  return { ...look, since: isOn ? open.since : look.at };
}

export function keepLapses({
  db,
  log,
  everyMs = lookEveryMs,
  patienceMs = timeoutMs,
}: {
  db: Database;
  log: Logger;
  /** For tests, like the next. */
  everyMs?: number;
  /** How long a deletion that is under way is waited for at the end. */
  patienceMs?: number;
}): LapseKeeper {
  let open: Open | undefined;
  let looking: Promise<void> | undefined;
  let isClosed = false;

  async function look(): Promise<void> {
    try {
      const at = performance.now();
      open = openUntil(open, { at, clockMs: await readClock(db, timeoutMs) });
      const limits = { openMs: open.at - open.since, limit: mostPerLook, timeoutMs };
      for (const webhook of await findLapsedWebhooks(db, limits)) {
        if (isClosed) return;
        await remove(webhook);
      }
    } catch (error) {
      // Consumers could not be noted either.
      if (error instanceof DatabaseUnavailable) open = undefined;
      log.debug({ reason: (error as Error).name }, 'lapsed webhooks could not be looked for');
    }
  }

  /** One that cannot be deleted keeps no other from it. @throws DatabaseUnavailable */
  async function remove(webhook: LapsedWebhook): Promise<void> {
    try {
      await deleteLapsedWebhook(db, webhook, { actor: { kind: 'postrider' }, now: new Date(), reason });
    } catch (error) {
      if (error instanceof DatabaseUnavailable) throw error;
      log.warn({ webhook_id: webhook.id, reason: (error as Error).name }, 'a lapsed webhook was not deleted');
    }
  }

  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }, everyMs);
  timer.unref();
  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      if (looking === undefined) return;
      const isOver = new AbortController();
      const late = delay(patienceMs, undefined, { signal: isOver.signal }).catch(() => {});
      await Promise.race([looking, late]);
      isOver.abort();
    },
  };
}
