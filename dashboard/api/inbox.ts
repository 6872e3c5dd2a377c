import { useQuery } from '@tanstack/react-query';
import { ask } from './client.ts';
import { lookEveryMs } from './query-client.ts';
import type { InboxMessage } from './types.ts';

/** The messages that a contact can see, newest first: what webhooks are sent. */
export function useContactMessages(contact: string) {
  return useQuery({
    queryKey: ['inbox', contact],
    queryFn: ({ signal }) =>
      ask<InboxMessage[]>('GET', `/v1/inbox/contacts/${encodeURIComponent(contact)}/messages`, { signal }),
    enabled: contact !== '',
    refetchInterval: lookEveryMs,
  });
}
