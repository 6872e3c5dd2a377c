import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './client.ts';

/** Keeps what was asked for; what changes on the server is told by live/changes.ts, so nothing is polled. */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ApiProblem && error.status === 401) client.setQueryData(['session'], null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => {
          const status = error instanceof ApiProblem ? error.status : 500;
          return failures < 2 && (status === 0 || status >= 500);
        },
      },
    },
  });
  return client;
}
