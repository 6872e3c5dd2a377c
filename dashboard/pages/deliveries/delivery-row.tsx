import type { DeliverySummary } from '../../api/types.ts';
import { counted } from '../../format/numbers.ts';
import { sentence } from '../../format/words.ts';
import { Badge, Chip, deliveryLabel } from '../../ui/badge.tsx';
import { Cell, type Column, Row, RowLink, rowStyles } from '../../ui/rows.tsx';
import { Time } from '../../ui/time.tsx';
import { nameOf, shortUrl } from '../webhooks/webhook-name.ts';

export const deliveryColumns: Column[] = [
  { name: 'Status', width: '112px' },
  { name: 'Event', width: 'minmax(0, 1.3fr)' },
  { name: 'Webhook', width: 'minmax(0, 1.3fr)' },
  { name: 'Last answer', width: 'minmax(0, 1.2fr)' },
  { name: 'Created', width: '104px', isEnd: true },
];

/** Of an event's deliveries: what they have in common is not said again. */
export const deliveryOfEventColumns = deliveryColumns.filter(({ name }) => name !== 'Event');

export const deliveryNarrowColumns = 'minmax(0, 1fr) auto';

/** One delivery of a list, or of its event's. */
export function DeliveryRow({
  delivery,
  isOfEvent = false,
}: {
  delivery: DeliverySummary;
  isOfEvent?: boolean;
}) {
  const { id, event_id, event_type, channel, status, attempt_count, created_at } = delivery;
  const label = deliveryLabel(status, attempt_count);
  const webhook = nameOf({ description: delivery.webhook_description, url: delivery.webhook_url });
  return (
    <Row>
      <Cell narrowOrder={1}>
        <Badge tone={label.tone}>{label.words}</Badge>
      </Cell>
      {!isOfEvent && (
        <Cell>
          <RowLink to={`/deliveries/${id}`}>{event_type ?? event_id}</RowLink>
          <span className={rowStyles.note}>
            {channel ? <Chip title={`Channel ${channel}`}>{channel}</Chip> : event_id}
          </span>
        </Cell>
      )}
      <Cell isWideOnly={!isOfEvent}>
        {isOfEvent ? (
          <RowLink to={`/deliveries/${id}`}>{webhook}</RowLink>
        ) : (
          <span className={rowStyles.line}>{webhook}</span>
        )}
        {delivery.webhook_description !== '' && (
          <span className={rowStyles.note}>{shortUrl(delivery.webhook_url)}</span>
        )}
      </Cell>
      <Cell narrowOrder={2}>
        <span className={rowStyles.line}>{answerOf(delivery)}</span>
        <span className={rowStyles.note}>
          {attempt_count === 0 ? 'no attempt yet' : counted(attempt_count, 'attempt', 'attempts')}
          {delivery.next_attempt_at !== null && attempt_count > 0 && (
            <>
              , next <Time at={delivery.next_attempt_at} />
            </>
          )}
        </span>
      </Cell>
      <Cell isEnd narrowOrder={2}>
        <span className={rowStyles.note}>
          <Time at={created_at} />
        </span>
      </Cell>
    </Row>
  );
}

function answerOf({ reason, response_status, status }: DeliverySummary): string {
  if (status === 'held') return 'Endpoint disabled';
  if (status === 'queued' && reason === null) return 'Not pulled yet';
  if (reason !== null) return sentence(reason);
  return response_status === null ? '–' : `Answered ${response_status}`;
}
