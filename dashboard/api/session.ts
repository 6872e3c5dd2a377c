import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ApiProblem, ask } from './client.ts';
import { afterOutage } from './query-client.ts';
import type { Session } from './types.ts';

const key = ['session'];

/** Who looks: null when nobody is signed in. */
export function useSessionQuery() {
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      try {
        return await ask<Session>('GET', '/v1/session', { signal });
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { api_key: string } | { portal_token: string }) =>
      ask<Session>('POST', '/v1/session', { body }),
    retry: afterOutage,
    onSuccess: (session) => becomes(client, session),
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask<void>('DELETE', '/v1/session'),
    onSettled: () => becomes(client, null),
  });
}

/** Somebody else looks from now on: nothing of what was shown before is kept. */
function becomes(client: QueryClient, session: Session | null): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== key[0] });
  client.setQueryData(key, session);
}
