import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Stats } from '../../api/types.ts';
import { count, percent } from '../../format/numbers.ts';
import { duration } from '../../format/time.ts';
import { Skeleton } from '../../ui/states.tsx';
import styles from './overview.module.css';

/** What counts, in five figures: of the time span, and of this moment. */
export function Figures({
  stats,
  webhookId,
  isPulled = false,
}: {
  stats: Stats | undefined;
  webhookId?: string;
  isPulled?: boolean;
}) {
  const of = (status: string) =>
    `/deliveries?${new URLSearchParams({ ...(webhookId ? { webhook_id: webhookId } : {}), status })}`;
  const totals = stats?.totals;
  const now = stats?.deliveries;
  return (
    <div className={styles.figures}>
      <Figure name="Delivered" tone="good" to={of('succeeded')} value={totals && count(totals.succeeded)}>
        {totals && `of ${count(totals.attempts)} attempts`}
      </Figure>
      <Figure
        name="Success rate"
        value={totals && (totals.success_rate === null ? '–' : percent(totals.success_rate))}
      >
        {totals && `${count(totals.failed)} failed`}
      </Figure>
      <Figure name="Latency p50" value={totals && (totals.p50_ms === null ? '–' : duration(totals.p50_ms))}>
        {totals && `p95 ${totals.p95_ms === null ? '–' : duration(totals.p95_ms)}`}
      </Figure>
      <Figure name="Failing now" tone="warn" to={of('failing')} value={now && count(now.failing)}>
        {now && 'waiting for a retry'}
      </Figure>
      {isPulled ? (
        <Figure name="Queued now" tone="wait" to={of('queued')} value={now && count(now.queued)}>
          {now && 'until they are pulled'}
        </Figure>
      ) : (
        <Figure name="Held now" tone="wait" to={of('held')} value={now && count(now.held)}>
          {now && 'until their endpoint is on'}
        </Figure>
      )}
    </div>
  );
}

function Figure({
  name,
  tone,
  to,
  value,
  children,
}: {
  name: string;
  tone?: 'good' | 'warn' | 'wait';
  to?: string;
  value: string | undefined;
  children: ReactNode;
}) {
  const content = (
    <>
      <div className={styles.name}>
        {tone && <i className={styles[tone]} aria-hidden />}
        {name}
      </div>
      <div className={styles.value}>{value ?? <Skeleton width={72} height={26} />}</div>
      <div className={styles.more}>{children ?? <Skeleton width={100} height={12} />}</div>
    </>
  );
  return to === undefined ? (
    <div className={styles.figure}>{content}</div>
  ) : (
    <Link href={to} className={styles.figure ?? ''}>
      {content}
    </Link>
  );
}
