import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './client.ts';

/** What is not told when it changes is looked up so often while it is shown, in ms. */
export const lookEveryMs = 1_000;

/** Whether to ask again: twice where the server could not answer, and never where it refused. */
export function afterOutage(failures: number, error: Error): boolean {
  const status = error instanceof ApiProblem ? error.status : 500;
  return failures < 2 && (status === 0 || status >= 500);
}

/**
 * Keeps what was asked for; what changes on the server is told by live/, so that hardly anything is polled. What was loaded once
 * stays while the server cannot be reached, but not when the server says that it is gone.
 */
export function createQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ApiProblem && error.status === 401) client.setQueryData(['session'], null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError(error, query) {
        onError(error);
        const isRefused = error instanceof ApiProblem && error.status >= 400 && error.status < 500;
        if (isRefused && query.queryKey[0] !== 'session') query.setState({ data: undefined });
      },
    }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // So long a list is there to go back to, as far as it was scrolled.
        gcTime: 30 * 60_000,
        retry: afterOutage,
      },
    },
  });
  return client;
}
