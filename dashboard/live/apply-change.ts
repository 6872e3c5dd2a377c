import type { InfiniteData, QueryClient, QueryKey } from '@tanstack/react-query';
import type { DeliveryPage, DeliveryStatus } from '../api/types.ts';

export type ChangeKind = 'delivery' | 'attempt' | 'webhook' | 'event';

/** What a change says: ids and states, no content. */
export interface Change {
  id: string;
  webhook_id?: string;
  delivery_id?: string;
  event_id?: string;
  status?: DeliveryStatus;
}

/** Changes come in bursts; what is shown is looked up once for each. */
const gatherMs = 250;
/**
 * At most so often while they never end, so that a busy server is not asked all the time. The server looks for changes twice a
 * second: both together stay well below the 2 s within which a change is to be seen.
 */
const pauseMs = 500;
const resetPauseMs = 1_000;
/** A list that was scrolled far is not loaded again as a whole: its rows are told their status. */
const mostPagesRefetched = 2;

/** Gathers changes, and then has the queries that show them ask again. */
export function applyChange(client: QueryClient) {
  let stale: QueryKey[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastAt = 0;
  let resetTimer: ReturnType<typeof setTimeout> | undefined;
  let lastResetAt = 0;

  function flush() {
    timer = undefined;
    lastAt = Date.now();
    const keys = new Map(stale.map((key) => [JSON.stringify(key), key]));
    stale = [];
    for (const key of keys.values()) void client.invalidateQueries({ queryKey: key, predicate: isShort });
  }

  function forgetEverything() {
    resetTimer = undefined;
    lastResetAt = Date.now();
    void client.invalidateQueries({
      predicate: ({ queryKey, state }) => queryKey[0] !== 'session' && isShort({ state }),
    });
  }

  return {
    add(kind: ChangeKind, change: Change) {
      const delivery = deliveryOf(kind, change);
      if (delivery !== undefined && change.status !== undefined) showStatus(client, delivery, change.status);
      stale.push(...keysOf(kind, change));
      timer ??= setTimeout(flush, Math.max(gatherMs, lastAt + pauseMs - Date.now()));
    },
    /** More has changed than is told one by one: all that is shown is looked up anew, once in a while. */
    reset() {
      resetTimer ??= setTimeout(forgetEverything, Math.max(0, lastResetAt + resetPauseMs - Date.now()));
    },
    stop() {
      clearTimeout(timer);
      clearTimeout(resetTimer);
    },
  };
}

function keysOf(kind: ChangeKind, change: Change): QueryKey[] {
  if (kind === 'webhook') return [['webhooks'], ['stats']];
  // It stands for its deliveries as well.
  if (kind === 'event') return [['events'], ['event', change.id], ['deliveries'], ['stats']];
  const delivery = deliveryOf(kind, change);
  return [
    ['deliveries'],
    ['stats'],
    ['webhooks'],
    ...(delivery === undefined ? [] : [['delivery', delivery]]),
    ...(change.event_id === undefined ? [['event']] : [['event', change.event_id]]),
  ];
}

/** The delivery that a change is about; an attempt says what its delivery has become. */
function deliveryOf(kind: ChangeKind, { id, delivery_id }: Change): string | undefined {
  if (kind === 'attempt') return delivery_id;
  return kind === 'delivery' ? id : undefined;
}

function isShort({ state }: { state: { data: unknown } }): boolean {
  const pages = (state.data as { pages?: unknown[] } | undefined)?.pages;
  return pages === undefined || pages.length <= mostPagesRefetched;
}

function showStatus(client: QueryClient, id: string, status: DeliveryStatus): void {
  client.setQueriesData<InfiniteData<DeliveryPage>>({ queryKey: ['deliveries'] }, (data) => {
    if (data === undefined || data.pages.length <= mostPagesRefetched) return data;
    const isShown = data.pages.some((page) =>
      page.data.some((row) => row.id === id && row.status !== status),
    );
    if (!isShown) return data;
    const pages = data.pages.map((page) => ({
      ...page,
      data: page.data.map((row) => (row.id === id ? { ...row, status } : row)),
    }));
    return { ...data, pages };
  });
}
