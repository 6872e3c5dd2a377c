import type { UseQueryResult } from '@tanstack/react-query';
import { CircleCheck } from 'lucide-react';
import { Link } from 'wouter';
import type { EndpointState, ListedWebhook } from '../../api/types.ts';
import { counted } from '../../format/numbers.ts';
import { sentence } from '../../format/words.ts';
import { EndpointBadge } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { nameOf } from '../webhooks/webhook-name.ts';
import styles from './overview.module.css';

const urgency: Record<EndpointState, number> = { disabled: 0, probing: 1, failing: 2, healthy: 3 };
const mostShown = 6;

/** The endpoints that are not well, the worst first. */
export function NeedsSomeone({ webhooks }: { webhooks: UseQueryResult<ListedWebhook[]> }) {
  const unwell = (webhooks.data ?? [])
    .filter(({ endpoint_state }) => endpoint_state !== 'healthy')
    .sort((a, b) => urgency[a.endpoint_state] - urgency[b.endpoint_state]);
  return (
    <Card
      title="Endpoints that need someone"
      isFlush
      action={unwell.length > mostShown && <Link href="/webhooks">All {unwell.length}</Link>}
    >
      {webhooks.isPending ? (
        <LoadingRows rows={2} />
      ) : webhooks.isLoadingError ? (
        <ErrorState error={webhooks.error} onRetry={() => void webhooks.refetch()} />
      ) : unwell.length === 0 ? (
        <p className={styles.fine}>
          <CircleCheck aria-hidden />
          {webhooks.data.length === 1
            ? 'The endpoint is healthy.'
            : `All ${counted(webhooks.data.length, 'endpoint is', 'endpoints are')} healthy.`}
        </p>
      ) : (
        <ul>
          {unwell.slice(0, mostShown).map((webhook) => (
            <li key={webhook.id} className={styles.endpoint}>
              <EndpointBadge state={webhook.endpoint_state} />
              <div className={styles.endpointText}>
                <Link href={`/webhooks/${webhook.id}`} className={styles.endpointName ?? ''}>
                  {nameOf(webhook)}
                </Link>
                <span className={styles.endpointWhy}>
                  {whyOf(webhook)} · since <Time at={webhook.state_since} />
                </span>
              </div>
              <ButtonLink to={`/webhooks/${webhook.id}`} size="small">
                {webhook.endpoint_state === 'failing' ? 'Look' : 'Fix'}
                <span className="visually-hidden"> {nameOf(webhook)}</span>
              </ButtonLink>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function whyOf({ state_reason, activity, consecutive_failures }: ListedWebhook): string {
  const why = state_reason ?? activity?.last_failure?.reason;
  return why ? sentence(why) : `${counted(consecutive_failures, 'failure', 'failures')} in a row`;
}
