import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask, queryString } from './client.ts';
import { lookEveryMs } from './query-client.ts';
import type {
  Account,
  ApiKey,
  AuditEntry,
  CreatedApiKey,
  EventType,
  EventTypeDescription,
  NewApiKey,
  NewPortalLink,
  PortalLink,
} from './types.ts';
import type { Page } from './wire.ts';

const most = 250;

export function useApiKeys() {
  return useQuery({
    queryKey: ['api-keys'],
    queryFn: async ({ signal }) => {
      const { data } = await ask<Page<ApiKey>>('GET', `/v1/api-keys?limit=${most}`, { signal });
      return data;
    },
    refetchInterval: lookEveryMs,
  });
}

export function useCreateApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewApiKey) => ask<CreatedApiKey>('POST', '/v1/api-keys', { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['api-keys'] }),
    gcTime: 0,
  });
}

export function useRevokeApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask<void>('DELETE', `/v1/api-keys/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['api-keys'] }),
  });
}

export function useDescribeEventType() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, ...body }: EventTypeDescription & { name: string }) =>
      ask<EventType>('PUT', `/v1/event-types/${encodeURIComponent(name)}`, { body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['event-types'] }),
  });
}

/** Every account, for the first one, which manages them. */
export function useAccounts(isAdmin: boolean) {
  return useQuery({
    queryKey: ['accounts'],
    queryFn: async ({ signal }) => {
      const { data } = await ask<Page<Account>>('GET', `/v1/accounts?limit=${most}`, { signal });
      return data;
    },
    enabled: isAdmin,
  });
}

/** One's own account, with what it is limited to. */
export function useAccount(id: string) {
  return useQuery({
    queryKey: ['account', id],
    queryFn: ({ signal }) => ask<Account>('GET', `/v1/accounts/${id}`, { signal }),
    refetchInterval: lookEveryMs,
  });
}

export function useCreatePortalLink() {
  return useMutation({
    mutationFn: (body: NewPortalLink) => ask<PortalLink>('POST', '/v1/portal-links', { body }),
    gcTime: 0,
  });
}

export function useAuditLog(subjectId: string | undefined) {
  return useInfiniteQuery({
    queryKey: ['audit-log', subjectId],
    queryFn: ({ pageParam, signal }) =>
      ask<Page<AuditEntry>>(
        'GET',
        `/v1/audit-log${queryString({ subject_id: subjectId, limit: 50, cursor: pageParam })}`,
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Not while one looks far back.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? lookEveryMs : false),
  });
}
