import { Ban, Check, Clock, Hourglass, Pause, Send, X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Delivery } from '../../api/types.ts';
import type { Tone } from '../../format/words.ts';
import { Time } from '../../ui/time.tsx';
import tones from '../../ui/tones.module.css';
import { AttemptCard } from './attempt-card.tsx';
import styles from './deliveries.module.css';

/** What became of a delivery, from its event to now: each attempt, and what comes next. */
export function Timeline({ delivery }: { delivery: Delivery }) {
  const { attempts } = delivery;
  return (
    <ol className={styles.timeline}>
      <Step tone="idle" icon={<Send aria-hidden />}>
        The event came <Time at={delivery.created_at} />
      </Step>
      {attempts.map((attempt, index) => (
        <Step
          key={attempt.id}
          tone={attempt.succeeded ? 'good' : 'bad'}
          icon={attempt.succeeded ? <Check aria-hidden /> : <X aria-hidden />}
        >
          <AttemptCard attempt={attempt} isOpen={index === attempts.length - 1} />
        </Step>
      ))}
      <LastStep delivery={delivery} />
    </ol>
  );
}

function LastStep({ delivery }: { delivery: Delivery }) {
  switch (delivery.status) {
    case 'pending':
      if (delivery.attempt_count > 0 && delivery.next_attempt_at === null && delivery.expires_at !== null) {
        return (
          <Step tone="live" icon={<Clock aria-hidden />}>
            Expires <Time at={delivery.expires_at} />, before a next attempt would be due
          </Step>
        );
      }
      return delivery.next_attempt_at === null || delivery.attempt_count === 0 ? (
        <Step tone="live" icon={<Hourglass aria-hidden />}>
          The first attempt is on its way
        </Step>
      ) : (
        <Step tone="live" icon={<Clock aria-hidden />}>
          Next attempt <Time at={delivery.next_attempt_at} />
        </Step>
      );
    case 'held':
      return (
        <Step tone="wait" icon={<Pause aria-hidden />}>
          Held until its endpoint is enabled
        </Step>
      );
    case 'queued':
      return (
        <Step tone="wait" icon={<Hourglass aria-hidden />}>
          {delivery.next_attempt_at === null ? (
            'Queued until its consumer pulls it'
          ) : (
            <>
              Queued again <Time at={delivery.next_attempt_at} />
            </>
          )}
        </Step>
      );
    case 'cancelled':
      return (
        <Step tone="idle" icon={<Ban aria-hidden />}>
          Cancelled {delivery.ended_at && <Time at={delivery.ended_at} />}
        </Step>
      );
    case 'expired':
      return (
        <Step tone="idle" icon={<Ban aria-hidden />}>
          Expired {delivery.ended_at && <Time at={delivery.ended_at} />}
        </Step>
      );
    case 'failed':
      return (
        <Step tone="bad" icon={<X aria-hidden />}>
          Failed for good {delivery.ended_at && <Time at={delivery.ended_at} />}: no further attempt is made
        </Step>
      );
    default:
      return null;
  }
}

function Step({ tone, icon, children }: { tone: Tone; icon: ReactNode; children: ReactNode }) {
  return (
    <li className={styles.step}>
      <span className={`${styles.mark} ${tones[tone]}`}>{icon}</span>
      <div className={styles.stepBody}>{children}</div>
    </li>
  );
}
