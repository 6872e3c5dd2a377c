import { useStats } from '../../api/stats.ts';
import type { Webhook } from '../../api/types.ts';
import { AttemptsChart, AttemptsLegend } from '../../charts/attempts-chart.tsx';
import { LatencyChart, LatencyLegend } from '../../charts/latency-chart.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { FailureReasons } from '../overview/failure-reasons.tsx';
import { Figures } from '../overview/figures.tsx';
import { ranges, useRange } from '../overview/range.ts';
import { RecentDeliveries } from './recent-deliveries.tsx';

/** How a webhook is doing: figures, charts, and its latest deliveries. */
export function WebhookActivity({ webhook }: { webhook: Webhook }) {
  const [range, setRange] = useRange();
  const stats = useStats(range, webhook.id);
  return (
    <>
      <div>
        <Segmented label="Time span" value={range} options={ranges} onChange={setRange} />
      </div>
      {stats.isLoadingError ? (
        <Card>
          <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
        </Card>
      ) : (
        <>
          <Figures stats={stats.data} webhookId={webhook.id} />
          <div className={layout.columns}>
            <Card title="Attempts" action={<AttemptsLegend />}>
              {stats.data ? <AttemptsChart buckets={stats.data.buckets} /> : <Skeleton height={188} />}
            </Card>
            <Card title="Latency" action={<LatencyLegend />}>
              {stats.data ? <LatencyChart buckets={stats.data.buckets} /> : <Skeleton height={188} />}
            </Card>
          </div>
          <FailureReasons reasons={stats.data?.by_reason} />
        </>
      )}
      <RecentDeliveries webhookId={webhook.id} />
    </>
  );
}
