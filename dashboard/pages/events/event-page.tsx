import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useEvent } from '../../api/events.ts';
import type { Event } from '../../api/types.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Badge, Chip } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Json } from '../../ui/code.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Facts } from '../../ui/facts.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { Rows } from '../../ui/rows.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import deliveries from '../deliveries/deliveries.module.css';
import { DeliveryRow, deliveryNarrowColumns, deliveryOfEventColumns } from '../deliveries/delivery-row.tsx';
import { nameOf } from '../webhooks/webhook-name.ts';
import { ResendDialog } from './resend-dialog.tsx';
import { ScheduleBadge } from './schedule-badge.tsx';
import { ScheduledActions } from './scheduled-actions.tsx';

export function EventPage({ id }: { id: string }) {
  const event = useEvent(id);
  const canWrite = useCanWrite();
  const [isResending, setIsResending] = useState(false);
  const back = { to: '/events', label: 'Events' };
  if (event.isPending || event.isLoadingError) {
    return (
      <>
        <PageHeader title="Event" back={back} />
        <Card>
          {event.isPending ? (
            <LoadingRows rows={4} />
          ) : (
            <ErrorState error={event.error} onRetry={() => void event.refetch()} />
          )}
        </Card>
      </>
    );
  }
  const { data } = event;
  return (
    <>
      <PageHeader
        title={data.type}
        badge={data.is_test ? <Badge tone="idle">Test</Badge> : <ScheduleBadge event={data} />}
        back={back}
        actions={
          canWrite &&
          (data.status === 'scheduled' ? (
            <ScheduledActions event={data} />
          ) : data.status === 'cancelled' ? undefined : (
            <Button kind="primary" onClick={() => setIsResending(true)}>
              <RotateCw aria-hidden />
              Send again
            </Button>
          ))
        }
      />
      <div className={layout.about}>
        <div className={layout.stack}>
          <Card title="Data">
            <Json value={data.data} label="Event data" />
          </Card>
          <WhereItWent event={data} />
        </div>
        <Card title="About">
          <Facts
            of={{
              Id: (
                <>
                  <code>{data.id}</code> <CopyButton text={data.id} label="Copy the event’s id" isBare />
                </>
              ),
              Channel: data.channel === null ? 'None' : <Chip>{data.channel}</Chip>,
              Posted: <Time at={data.created_at} />,
              'Goes out': data.deliver_at === null ? undefined : <Time at={data.deliver_at} />,
              Expires: data.expires_at === null ? undefined : <Time at={data.expires_at} />,
              'Filtered out':
                data.filtered_out.length === 0 ? undefined : <FilteredOut ids={data.filtered_out} />,
            }}
          />
        </Card>
      </div>
      {isResending && <ResendDialog event={data} onClose={() => setIsResending(false)} />}
    </>
  );
}

const nowhere: Record<Event['status'], string> = {
  scheduled: 'It has not gone out yet: which webhooks get it is decided then.',
  cancelled: 'It was cancelled before it went out.',
  released: 'No webhook had subscribed to it.',
};
/** Webhooks that had subscribed and whose filter kept the event from them. */
function FilteredOut({ ids }: { ids: readonly string[] }) {
  const webhooks = useWebhooks().data ?? [];
  return (
    <span className={layout.chips}>
      {ids.map((id) => {
        const webhook = webhooks.find((one) => one.id === id);
        return (
          <Link key={id} to={`/webhooks/${id}`}>
            {webhook === undefined ? id : nameOf(webhook)}
          </Link>
        );
      })}
    </span>
  );
}

function WhereItWent({ event }: { event: Event }) {
  return (
    <Card title="Where it went" isFlush>
      {event.deliveries.length === 0 ? (
        <p className={deliveries.nothing}>
          {event.filtered_out.length === 0
            ? nowhere[event.status]
            : 'Filters kept it from the webhooks that had subscribed to it.'}
        </p>
      ) : (
        <Rows
          label="Deliveries of this event"
          columns={deliveryOfEventColumns}
          narrow={deliveryNarrowColumns}
        >
          {event.deliveries.map((delivery) => (
            <DeliveryRow key={delivery.id} delivery={delivery} isOfEvent />
          ))}
        </Rows>
      )}
    </Card>
  );
}
