import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask, queryString } from './client.ts';
import { lookEveryMs } from './query-client.ts';
import type {
  AcceptedEvent,
  Event,
  EventChange,
  EventPage,
  EventType,
  NewEvent,
  Resend,
  Resent,
} from './types.ts';
import type { Page } from './wire.ts';

export interface EventFilter {
  type?: string | undefined;
  channel?: string | undefined;
  status?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  q?: string | undefined;
}

export function useEvents(filter: EventFilter) {
  return useInfiniteQuery({
    queryKey: ['events', filter],
    queryFn: ({ pageParam, signal }) =>
      ask<EventPage>('GET', `/v1/events${queryString({ ...filter, limit: 50, cursor: pageParam })}`, {
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function useEvent(id: string) {
  return useQuery({
    queryKey: ['event', id],
    queryFn: ({ signal }) => ask<Event>('GET', `/v1/events/${encodeURIComponent(id)}`, { signal }),
  });
}

export function usePostEvent() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewEvent) => ask<AcceptedEvent>('POST', '/v1/events', { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['events'] }),
  });
}

export function useChangeEvent(id: string) {
  return useEventMutation(id, (body: EventChange) =>
    ask<Event>('PATCH', `/v1/events/${encodeURIComponent(id)}`, { body }),
  );
}

export function useCancelEvent(id: string) {
  return useEventMutation(id, () => ask<Event>('POST', `/v1/events/${encodeURIComponent(id)}/cancel`));
}

/** Also when it was refused: then the event has gone out meanwhile. */
function useEventMutation<Body, Result>(id: string, mutationFn: (body: Body) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['event', id] }),
        client.invalidateQueries({ queryKey: ['events'] }),
      ]),
  });
}

export function useResendEvent(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Resend) =>
      ask<Resent>('POST', `/v1/events/${encodeURIComponent(id)}/resend`, { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['event', id] }),
  });
}

const mostPages = 4;

/**
 * The catalogue: the account's own types, the built-in ones, and those that were seen (1,000 at most). Watched where it is what
 * the page is about.
 */
export function useEventTypes({ isWatched = false } = {}) {
  return useQuery({
    queryKey: ['event-types'],
    queryFn: async ({ signal }) => {
      const all: EventType[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < mostPages; page++) {
        const path = `/v1/event-types${queryString({ limit: 250, cursor })}`;
        const { data, next_cursor } = await ask<Page<EventType>>('GET', path, { signal });
        all.push(...data);
        if (next_cursor === null) break;
        cursor = next_cursor;
      }
      return all;
    },
    staleTime: 60_000,
    refetchInterval: isWatched && lookEveryMs,
  });
}
