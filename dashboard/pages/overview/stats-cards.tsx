import type { Stats } from '../../api/types.ts';
import { AttemptsChart, AttemptsLegend } from '../../charts/attempts-chart.tsx';
import { LatencyChart, LatencyLegend } from '../../charts/latency-chart.tsx';
import { SuccessChart } from '../../charts/success-chart.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { Skeleton } from '../../ui/states.tsx';
import { FailureReasons } from './failure-reasons.tsx';
import styles from './overview.module.css';

/** How attempts went over the time span, and why some failed. */
export function StatsCards({ stats }: { stats: Stats | undefined }) {
  return (
    <div className={`${layout.columns} ${styles.level}`}>
      <Card title="Success rate">
        {stats ? <SuccessChart buckets={stats.buckets} /> : <Skeleton height={188} />}
      </Card>
      <Card title="Latency" action={<LatencyLegend />}>
        {stats ? <LatencyChart buckets={stats.buckets} /> : <Skeleton height={188} />}
      </Card>
      <Card title="Attempts" action={<AttemptsLegend />}>
        {stats ? <AttemptsChart buckets={stats.buckets} /> : <Skeleton height={188} />}
      </Card>
      <FailureReasons reasons={stats?.by_reason} />
    </div>
  );
}
