import type { components } from '../sdk/client/src/client.ts';
import { type Column, oneLine } from './table.ts';

type Delivery = components['schemas']['Delivery'];
type Attempt = components['schemas']['Attempt'];
type LoggedAttempt = components['schemas']['LoggedAttempt'];

export const deliveryColumns: readonly Column<Delivery>[] = [
  { heading: 'DELIVERY', text: ({ id }) => id },
  { heading: 'STATUS', text: ({ status }) => status },
  { heading: 'TRIES', text: ({ attempt_count }) => `${attempt_count}` },
  { heading: 'TYPE', text: ({ event_type }) => event_type ?? '' },
  { heading: 'CREATED', text: ({ created_at }) => shortTime(created_at) },
  { heading: 'WEBHOOK', text: ({ webhook_id }) => webhook_id },
  { heading: 'WHY', text: ({ reason }) => reason ?? '' },
];

type AttemptFields = Pick<
  Attempt,
  'number' | 'started_at' | 'duration_ms' | 'response_status' | 'succeeded' | 'detail'
>;

const commonColumns: readonly Column<AttemptFields>[] = [
  { heading: 'STARTED', text: ({ started_at }) => shortTime(started_at) },
  { heading: 'TOOK', text: ({ duration_ms }) => `${duration_ms} ms` },
  { heading: 'ANSWER', text: ({ response_status }) => `${response_status ?? '-'}` },
  { heading: 'WHY', text: ({ succeeded, detail }) => (succeeded ? '' : (detail ?? '')) },
];

export const attemptColumns: readonly Column<Attempt>[] = [
  { heading: '#', text: ({ number }) => `${number}` },
  ...commonColumns,
];

export const loggedAttemptColumns: readonly Column<LoggedAttempt>[] = [
  { heading: 'DELIVERY', text: ({ delivery_id }) => delivery_id },
  { heading: '#', text: ({ number }) => `${number}` },
  { heading: 'TYPE', text: ({ event_type }) => event_type ?? '' },
  ...commonColumns,
];

/** A delivery, a line for each thing that is to be known of it. */
export function deliveryLines(delivery: Delivery): string[] {
  const rows: [string, string | null][] = [
    ['id', delivery.id],
    ['status', delivery.status],
    ['why', delivery.reason],
    ['event', `${delivery.event_id} ${delivery.event_type ?? ''}`.trim()],
    ['channel', delivery.channel],
    ['webhook', `${delivery.webhook_id} ${delivery.webhook_url}`],
    ['workflow', delivery.workflow_id],
    ['created', delivery.created_at],
    ['next try', delivery.next_attempt_at],
    ['ended', delivery.ended_at],
  ];
  return lines(rows);
}

/** Names and values side by side; what has no value is left out. */
export function lines(rows: readonly (readonly [string, string | null])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [`${name.padEnd(width)}  ${oneLine(value)}`],
  );
}

/** To the second, as people read it. */
export function shortTime(moment: string): string {
  return moment.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}
