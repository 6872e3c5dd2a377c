import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask, queryString } from './client.ts';
import type { Delivery, DeliveryPage, DeliverySummary } from './types.ts';

/** What a list of deliveries can be narrowed by; all as it stands in the page's address. */
export interface DeliveryFilter {
  status?: string | undefined;
  webhook_id?: string | undefined;
  type?: string | undefined;
  channel?: string | undefined;
  event_id?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  q?: string | undefined;
}

export function useDeliveries(filter: DeliveryFilter) {
  return useInfiniteQuery({
    queryKey: ['deliveries', filter],
    queryFn: ({ pageParam, signal }) =>
      ask<DeliveryPage>('GET', `/v1/deliveries${queryString({ ...filter, limit: 50, cursor: pageParam })}`, {
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function useDelivery(id: string) {
  return useQuery({
    queryKey: ['delivery', id],
    queryFn: ({ signal }) => ask<Delivery>('GET', `/v1/deliveries/${id}`, { signal }),
  });
}

export function useRetryDelivery(id: string) {
  return useDeliveryMutation(id, () => ask<{ attempt_id: string }>('POST', `/v1/deliveries/${id}/retry`));
}

export function useCancelDelivery(id: string) {
  return useDeliveryMutation(id, () => ask<DeliverySummary>('POST', `/v1/deliveries/${id}/cancel`));
}

function useDeliveryMutation<Result>(id: string, mutationFn: () => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['delivery', id] }),
        client.invalidateQueries({ queryKey: ['deliveries'] }),
      ]),
  });
}
