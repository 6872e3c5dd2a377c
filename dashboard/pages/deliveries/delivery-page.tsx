import { ExternalLink } from 'lucide-react';
import { Link } from 'wouter';
import { useDelivery } from '../../api/deliveries.ts';
import { useEvent } from '../../api/events.ts';
import type { Delivery } from '../../api/types.ts';
import { useWebhook } from '../../api/webhooks.ts';
import { sentence } from '../../format/words.ts';
import { useCanWrite, useSession } from '../../layout/session-context.ts';
import { temporalLink } from '../../layout/temporal-link.ts';
import { Badge, Chip, deliveryLabel } from '../../ui/badge.tsx';
import { Card } from '../../ui/card.tsx';
import { Json } from '../../ui/code.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Facts } from '../../ui/facts.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { nameOf } from '../webhooks/webhook-name.ts';
import styles from './deliveries.module.css';
import { DeliveryActions } from './delivery-actions.tsx';
import { Timeline } from './timeline.tsx';

export function DeliveryPage({ id }: { id: string }) {
  const delivery = useDelivery(id);
  const canWrite = useCanWrite();
  const back = { to: '/deliveries', label: 'Deliveries' };
  if (delivery.isPending) {
    return (
      <>
        <PageHeader title="Delivery" back={back} />
        <Card>
          <LoadingRows rows={4} />
        </Card>
      </>
    );
  }
  if (delivery.isLoadingError) {
    return (
      <>
        <PageHeader title="Delivery" back={back} />
        <Card>
          <ErrorState error={delivery.error} onRetry={() => void delivery.refetch()} />
        </Card>
      </>
    );
  }
  const { data } = delivery;
  const label = deliveryLabel(data.status, data.attempt_count);
  return (
    <>
      <PageHeader
        title={data.event_type ?? 'Delivery'}
        badge={<Badge tone={label.tone}>{label.words}</Badge>}
        back={back}
        note={data.reason === null ? undefined : sentence(data.reason)}
        actions={canWrite && <DeliveryActions delivery={data} />}
      />
      <div className={layout.about}>
        <div className={layout.stack}>
          <Card title="Timeline">
            <Timeline delivery={data} />
          </Card>
        </div>
        <div className={layout.stack}>
          <About delivery={data} />
          <Payload eventId={data.event_id} />
        </div>
      </div>
    </>
  );
}

function About({ delivery }: { delivery: Delivery }) {
  const webhook = useWebhook(delivery.webhook_id);
  const session = useSession();
  // What is pulled has no workflow.
  const temporal = delivery.webhook_url === null ? undefined : temporalLink(session, delivery.workflow_id);
  return (
    <Card title="About">
      <Facts
        of={{
          Webhook: (
            <Link href={`/webhooks/${delivery.webhook_id}`}>
              {webhook.data ? nameOf(webhook.data) : delivery.webhook_id}
            </Link>
          ),
          Event: (
            <>
              <Link href={`/events/${encodeURIComponent(delivery.event_id)}`}>{delivery.event_id}</Link>
            </>
          ),
          Delivery: (
            <>
              <code>{delivery.id}</code>{' '}
              <CopyButton text={delivery.id} label="Copy the delivery’s id" isBare />
            </>
          ),
          Created: <Time at={delivery.created_at} />,
          Ended: delivery.ended_at === null ? undefined : <Time at={delivery.ended_at} />,
          'Next attempt':
            delivery.next_attempt_at === null ? undefined : <Time at={delivery.next_attempt_at} />,
          Expires: delivery.expires_at === null ? undefined : <Time at={delivery.expires_at} />,
          'Waits for':
            delivery.waits_for === null ? undefined : (
              <Link href={`/deliveries/${delivery.waits_for}`}>{delivery.waits_for}</Link>
            ),
          Lane: delivery.lane === null ? undefined : <code>{delivery.lane}</code>,
          Workflow: temporal && (
            <a href={temporal} target="_blank" rel="noreferrer">
              Open in Temporal <ExternalLink size={13} aria-hidden />
            </a>
          ),
        }}
      />
    </Card>
  );
}

function Payload({ eventId }: { eventId: string }) {
  const event = useEvent(eventId);
  return (
    <Card title="Event data" action={event.data?.channel && <Chip>{event.data.channel}</Chip>}>
      {event.isPending ? (
        <LoadingRows rows={2} />
      ) : event.isLoadingError ? (
        <p className={styles.note}>{event.error.message}</p>
      ) : (
        <Json value={event.data.data} label="Event data" />
      )}
    </Card>
  );
}
