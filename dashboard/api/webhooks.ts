import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask, queryString } from './client.ts';
import type {
  CreatedWebhook,
  ListedWebhook,
  NewWebhook,
  RecoveryProgress,
  RotatedSecret,
  StartedTest,
  Webhook,
  WebhookChange,
  WebhookHealth,
  WebhookSecret,
} from './types.ts';
import type { Page } from './wire.ts';

const mostPages = 8;

/** All webhooks, newest first (2,000 at most), with what a list shows of each. */
export function useWebhooks() {
  return useQuery({
    queryKey: ['webhooks'],
    queryFn: async ({ signal }) => {
      const all: ListedWebhook[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < mostPages; page++) {
        const path = `/v1/webhooks${queryString({ limit: 250, cursor, include: 'activity' })}`;
        const { data, next_cursor } = await ask<Page<ListedWebhook>>('GET', path, { signal });
        all.push(...data);
        if (next_cursor === null) break;
        cursor = next_cursor;
      }
      return all;
    },
  });
}

export function useWebhook(id: string) {
  return useQuery({
    queryKey: ['webhooks', id],
    queryFn: ({ signal }) => ask<Webhook>('GET', `/v1/webhooks/${id}`, { signal }),
  });
}

export function useWebhookHealth(id: string) {
  return useQuery({
    queryKey: ['webhooks', id, 'health'],
    queryFn: ({ signal }) => ask<WebhookHealth>('GET', `/v1/webhooks/${id}/health`, { signal }),
  });
}

/** The progress of a recovery: asked for again while it runs, since attempts alone do not tell it. */
export function useRecovery(id: string) {
  return useQuery({
    queryKey: ['webhooks', id, 'recovery'],
    queryFn: ({ signal }) => ask<RecoveryProgress>('GET', `/v1/webhooks/${id}/recovery`, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? 1_500 : false),
  });
}

/** A change of one webhook, after which all that shows webhooks is looked up anew. */
function useWebhookMutation<Input, Result>(mutationFn: (input: Input) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => client.invalidateQueries({ queryKey: ['webhooks'] }),
  });
}

export const useCreateWebhook = () =>
  useWebhookMutation((body: NewWebhook) => ask<CreatedWebhook>('POST', '/v1/webhooks', { body }));

export const useChangeWebhook = (id: string) =>
  useWebhookMutation((body: WebhookChange) => ask<Webhook>('PATCH', `/v1/webhooks/${id}`, { body }));

/** Only the list is looked up anew: the page that asked is still there, and its webhook is not. */
export function useDeleteWebhook(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask<void>('DELETE', `/v1/webhooks/${id}`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['webhooks'], exact: true });
    },
  });
}

export const useDisableWebhook = (id: string) =>
  useWebhookMutation((body: { reason?: string }) =>
    ask<WebhookHealth>('POST', `/v1/webhooks/${id}/disable`, { body }),
  );

export const useEnableWebhook = (id: string) =>
  useWebhookMutation((body: { held: 'deliver' | 'discard'; reason?: string }) =>
    ask<WebhookHealth>('POST', `/v1/webhooks/${id}/enable`, { body }),
  );

export const useRecoverWebhook = (id: string) =>
  useWebhookMutation((body: { since: string; until?: string; status: 'failed' | 'cancelled' }) =>
    ask<unknown>('POST', `/v1/webhooks/${id}/recover`, { body }),
  );

export const useRotateSecret = (id: string) =>
  useWebhookMutation((body: { overlap_seconds: number }) =>
    ask<RotatedSecret>('POST', `/v1/webhooks/${id}/rotate-secret`, { body }),
  );

/** The secret is not kept: it is gone when whatever shows it is closed. */
export const useRevealSecret = (id: string) =>
  useMutation({ mutationFn: () => ask<WebhookSecret>('GET', `/v1/webhooks/${id}/secret`), gcTime: 0 });

export const useTestWebhook = (id: string) =>
  useMutation({
    mutationFn: (event_type: string) =>
      ask<StartedTest>('POST', '/v1/webhooks/test', { body: { webhook_id: id, event_type } }),
  });
