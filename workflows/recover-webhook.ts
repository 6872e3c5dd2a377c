import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RecoveryActivities, SentPage } from '../activities/recovery-activities.ts';
import { describeRecovery } from './describe-recovery.ts';
import { isSameRange, type Range, rangeIn } from './recover-request.ts';

/** How far a recovery has come. */
export interface RecoveryProgress {
  /** `paused`: the endpoint is disabled, and the recovery goes on when it is enabled. */
  state: 'running' | 'paused' | 'done' | 'cancelled';
  /** Since when it is under way; ISO 8601. */
  since: string;
  /** Ended deliveries that are sent again. */
  marked: number;
  /** Marked ones that got their former status back before they were sent. */
  taken_back: number;
  /** Deliveries of which an attempt was made. */
  sent: number;
  succeeded: number;
  /** Of those sent, how many ended otherwise. The rest wait for the next attempt of their schedule. */
  failed: number;
  /** Deliveries that were still held when it last looked. */
  left: number;
}

export interface RecoverInput {
  webhook_id: string;
  account_id: string;
  /** From the run before, when this one continues it. */
  carried?: { progress: RecoveryProgress; ranges: Range[] };
}

/** Look again: the endpoint is enabled, or what is held was discarded. */
export const goOn = defineSignal('goOn');
/** Send again what has ended: a `RecoverRequest`. One that makes no sense is left out. */
export const recover = defineSignal<[request?: unknown]>('recover');
/** Take back what is marked and not yet sent; answers how many. What is held for another reason still goes out. */
export const cancelRecovery = defineUpdate<number>('cancelRecovery');
export const progressQuery = defineQuery<RecoveryProgress>('progress');

const activityOptions = {
  // As long as attempts may have to wait for the database; a worker that died is noticed by its missing heartbeat. That and the
  // longest pause are to be less than 15 s.
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '8s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '3s' },
} as const;
const { markEndedDeliveries, takeBackMarkedDeliveries } =
  proxyActivities<RecoveryActivities>(activityOptions);
const { sendHeld } = proxyActivities<RecoveryActivities>({
  ...activityOptions,
  summary: 'sends for up to 10 s',
});

/** Events, half an hour's worth of pages: to be replayed in no time when the worker changes. */
const longHistory = 1_000;

/** Should nobody say that a paused recovery can go on, it finds out by itself. */
const lookAgainAfter = '1 day';

/**
 * Sends out what is held for a webhook, oldest first, at its recovery rate, page by page; while the endpoint is disabled it
 * waits for `goOn`. On request it first marks deliveries that had ended, so that they are sent again like the others. All
 * it needs is in the database: started again, it goes on with what is left.
 */
export async function recoverWebhook({ carried, ...webhook }: RecoverInput): Promise<RecoveryProgress> {
  const { webhook_id } = webhook;
  const progress = carried?.progress ?? startedProgress();
  let ranges = carried?.ranges ?? [];
  let isToldToGoOn = false;
  let isMarking = false;
  let cancelling = 0;
  let rate: number | null = null;

  const enter = (state: RecoveryProgress['state']) => {
    progress.state = state;
    setCurrentDetails(describeRecovery(progress, rate));
  };
  const takeBack = async () => {
    ranges = [];
    cancelling += 1;
    // What is being marked is marked before it is taken back.
    await condition(() => !isMarking);
    const count = await takeBackMarkedDeliveries(webhook_id);
    progress.taken_back += count;
    cancelling -= 1;
    return count;
  };
  const nextToMark = () => ranges.find((range) => !range.is_marked);
  const hasNews = () => isToldToGoOn || cancelling > 0 || nextToMark() !== undefined;

  setHandler(goOn, () => {
    isToldToGoOn = true;
  });
  setHandler(recover, (request) => {
    const range = rangeIn(request, Date.now());
    if (range !== undefined && !ranges.some((one) => isSameRange(one, range))) ranges.push(range);
  });
  setHandler(cancelRecovery, takeBack);
  setHandler(progressQuery, () => progress);

  const mark = async (range: Range) => {
    isMarking = true;
    try {
      const { marked, is_done } = await markEndedDeliveries(webhook_id, range);
      progress.marked += marked;
      range.is_marked = is_done;
    } finally {
      isMarking = false;
    }
  };
  const send = async (): Promise<SentPage['end']> => {
    // What was told before now, the activity finds in the database.
    isToldToGoOn = false;
    const page = await sendHeld(webhook_id);
    progress.sent += page.sent;
    progress.succeeded += page.succeeded;
    progress.failed += page.failed;
    progress.left = page.left;
    rate = page.rate;
    if (page.marked_left === 0) ranges = ranges.filter((range) => !range.is_marked);
    return page.end;
  };

  const run = async () => {
    for (;;) {
      await condition(() => cancelling === 0);
      if (workflowInfo().historyLength >= longHistory) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof recoverWebhook>({ ...webhook, carried: { progress, ranges } });
      }
      enter('running');
      const range = nextToMark();
      if (range !== undefined) {
        await mark(range);
        continue;
      }
      const end = await send();
      if (end === 'paused' && !hasNews()) {
        enter('paused');
        await condition(hasNews, lookAgainAfter);
      }
      if (end === 'done' || end === 'gone') {
        await condition(allHandlersFinished);
        if (!hasNews()) return;
      }
    }
  };

  try {
    await run();
    enter('done');
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(takeBack);
    enter('cancelled');
    throw error;
  }
  return progress;
}

function startedProgress(): RecoveryProgress {
  const { startTime } = workflowInfo();
  return {
    state: 'running',
    since: startTime.toISOString(),
    ...{ marked: 0, taken_back: 0, sent: 0, succeeded: 0, failed: 0, left: 0 },
  };
}
