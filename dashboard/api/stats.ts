import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ask } from './client.ts';
import type { Stats, StatsRange } from './types.ts';

/** Counts and latencies of all webhooks, or of one. */
export function useStats(range: StatsRange, webhookId?: string) {
  const path = webhookId === undefined ? '/v1/stats' : `/v1/webhooks/${webhookId}/stats`;
  return useQuery({
    queryKey: ['stats', webhookId ?? 'all', range],
    queryFn: ({ signal }) => ask<Stats>('GET', `${path}?range=${range}`, { signal }),
    placeholderData: keepPreviousData,
    // Buckets move on though nothing changes.
    refetchInterval: 60_000,
  });
}
