import { Plus, SearchX, Webhook } from 'lucide-react';
import { useDeferredValue } from 'react';
import { useSearchParams } from 'wouter';
import type { EndpointState, ListedWebhook } from '../../api/types.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { counted } from '../../format/numbers.ts';
import { endpointWords } from '../../format/words.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { WebhookRows } from './webhook-rows.tsx';

export function WebhookListPage() {
  const webhooks = useWebhooks();
  const canWrite = useCanWrite();
  const [search, setSearch] = useSearchParams();
  const [text, state] = [search.get('q') ?? '', search.get('state') ?? ''];
  const sought = useDeferredValue(text);
  const narrow = (name: string, value: string) =>
    setSearch(
      (before) => {
        if (value === '') before.delete(name);
        else before.set(name, value);
        return before;
      },
      { replace: true },
    );
  const shown = (webhooks.data ?? []).filter((webhook) => isSought(webhook, sought, state));
  const create = canWrite && (
    <ButtonLink to="/webhooks/new" kind="primary">
      <Plus aria-hidden />
      Create webhook
    </ButtonLink>
  );
  return (
    <>
      <PageHeader
        title="Webhooks"
        note={webhooks.data && counted(webhooks.data.length, 'webhook', 'webhooks')}
        actions={create}
      />
      {webhooks.data !== undefined && webhooks.data.length > 0 && (
        <FilterBar>
          <SearchBox
            label="Search webhooks"
            placeholder="URL, description, event type, id"
            value={text}
            onChange={(value) => narrow('q', value)}
          />
          <FilterSelect label="Health" value={state} onChange={(value) => narrow('state', value)}>
            <option value="">Any health</option>
            {Object.entries(endpointWords).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </FilterSelect>
        </FilterBar>
      )}
      <Card isFlush>
        {webhooks.isPending ? (
          <LoadingRows />
        ) : webhooks.isLoadingError ? (
          <ErrorState error={webhooks.error} onRetry={() => void webhooks.refetch()} />
        ) : webhooks.data.length === 0 ? (
          <EmptyState icon={Webhook} title="No webhooks yet" action={create}>
            A webhook tells Postrider where to send which events.
          </EmptyState>
        ) : shown.length === 0 ? (
          <EmptyState
            icon={SearchX}
            title="No webhook is like that"
            action={<Button onClick={() => setSearch({}, { replace: true })}>Show all</Button>}
          />
        ) : (
          <WebhookRows webhooks={shown} />
        )}
      </Card>
    </>
  );
}

function isSought(webhook: ListedWebhook, text: string, state: string): boolean {
  if (state !== '' && webhook.endpoint_state !== (state as EndpointState)) return false;
  const { id, url, description, events, channels, profile } = webhook;
  const words = [id, url, description, profile, ...events, ...(channels ?? [])].join('\n').toLowerCase();
  return words.includes(text.trim().toLowerCase());
}
