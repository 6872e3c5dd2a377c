import type { ReactNode } from 'react';
import type { DeliveryStatus, EndpointState } from '../api/types.ts';
import { deliveryTones, deliveryWords, endpointTones, endpointWords, type Tone } from '../format/words.ts';
import styles from './badge.module.css';
import tones from './tones.module.css';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`${styles.badge} ${tones[tone]}`}>
      <span className={`${styles.dot} ${styles[`${tone}Dot`]}`} />
      {children}
    </span>
  );
}

export function DeliveryBadge({ status }: { status: DeliveryStatus }) {
  return <Badge tone={deliveryTones[status]}>{deliveryWords[status]}</Badge>;
}

/** A delivery that waits after an attempt has failed is one that is being retried. */
export function deliveryLabel(status: DeliveryStatus, attempts: number): { tone: Tone; words: string } {
  if (status === 'pending' && attempts > 0) return { tone: 'warn', words: 'Retrying' };
  return { tone: deliveryTones[status], words: deliveryWords[status] };
}

export function EndpointBadge({ state }: { state: EndpointState }) {
  return <Badge tone={endpointTones[state]}>{endpointWords[state]}</Badge>;
}

/** A name from the API: an event type, a channel. */
export function Chip({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className={styles.chip} title={title}>
      {children}
    </span>
  );
}
