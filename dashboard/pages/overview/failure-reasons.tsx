import type { Stats } from '../../api/types.ts';
import { count } from '../../format/numbers.ts';
import { reasonInWords } from '../../format/words.ts';
import { Card } from '../../ui/card.tsx';
import styles from './overview.module.css';

/** Why attempts failed, the most frequent first. */
export function FailureReasons({ reasons }: { reasons: Stats['by_reason'] | undefined }) {
  if (reasons === undefined || reasons.length === 0) return null;
  const most = Math.max(...reasons.map((reason) => reason.count));
  return (
    <Card title="Why attempts failed">
      <ul>
        {reasons.map(({ reason, count: times }) => (
          <li key={reason} className={styles.reason}>
            <span>{reasonInWords(reason)}</span>
            <b>{count(times)}</b>
            <span className={styles.bar} aria-hidden>
              <span style={{ width: `${(times / most) * 100}%` }} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
