import type { ListedWebhook } from '../../api/types.ts';
import { Sparkline } from '../../charts/sparkline.tsx';
import { sentence } from '../../format/words.ts';
import { Chip, EndpointBadge } from '../../ui/badge.tsx';
import layout from '../../ui/layout.module.css';
import { Cell, type Column, Row, RowLink, Rows, rowStyles } from '../../ui/rows.tsx';
import { Time } from '../../ui/time.tsx';
import { nameOf, shortUrl } from './webhook-name.ts';
import styles from './webhooks.module.css';

const columns: Column[] = [
  { name: 'Health', width: '92px' },
  { name: 'Webhook', width: 'minmax(0, 2.2fr)' },
  { name: 'Events', width: 'minmax(0, 1.3fr)' },
  { name: 'Last 24 h', width: '132px' },
  { name: 'Last failure', width: 'minmax(0, 1.1fr)' },
];

const mostChips = 1;

export function WebhookRows({ webhooks }: { webhooks: readonly ListedWebhook[] }) {
  return (
    <Rows label="Webhooks" columns={columns} narrow="minmax(0, 1fr) auto">
      {webhooks.map((webhook) => (
        <Row key={webhook.id}>
          <Cell narrowOrder={1}>
            <EndpointBadge state={webhook.endpoint_state} />
          </Cell>
          <Cell>
            <RowLink to={`/webhooks/${webhook.id}`}>{nameOf(webhook)}</RowLink>
            <span className={rowStyles.note}>
              {webhook.description.trim() === '' ? webhook.profile : shortUrl(webhook.url)}
            </span>
          </Cell>
          <Cell isWideOnly>
            <EventChips events={webhook.events} />
          </Cell>
          <Cell narrowOrder={3}>{webhook.activity && <Sparkline buckets={webhook.activity.buckets} />}</Cell>
          <Cell narrowOrder={2}>
            <LastFailure webhook={webhook} />
          </Cell>
        </Row>
      ))}
    </Rows>
  );
}

function EventChips({ events }: { events: readonly string[] }) {
  return (
    <span className={`${layout.chips} ${styles.oneLine}`} title={events.join(', ')}>
      {events.slice(0, mostChips).map((event) => (
        <Chip key={event}>{event === '*' ? 'all events' : event}</Chip>
      ))}
      {events.length > mostChips && <span className={styles.more}>+{events.length - mostChips}</span>}
    </span>
  );
}

function LastFailure({ webhook: { activity } }: { webhook: ListedWebhook }) {
  const failure = activity?.last_failure;
  if (!failure) return <span className={rowStyles.note}>No failure</span>;
  return (
    <>
      <span className={rowStyles.line} title={failure.reason}>
        {sentence(failure.reason)}
      </span>
      <span className={rowStyles.note}>
        <Time at={failure.at} />
      </span>
    </>
  );
}
