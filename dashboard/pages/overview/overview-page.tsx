import { useStats } from '../../api/stats.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { AttemptsChart, AttemptsLegend } from '../../charts/attempts-chart.tsx';
import { LatencyChart, LatencyLegend } from '../../charts/latency-chart.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { FailureReasons } from './failure-reasons.tsx';
import { Figures } from './figures.tsx';
import { NeedsSomeone } from './needs-someone.tsx';
import { ranges, useRange } from './range.ts';
import { Welcome } from './welcome.tsx';

export function OverviewPage() {
  const [range, setRange] = useRange();
  const stats = useStats(range);
  const webhooks = useWebhooks();
  const isNew = webhooks.data?.length === 0;
  return (
    <>
      <PageHeader
        title="Overview"
        actions={<Segmented label="Time span" value={range} options={ranges} onChange={setRange} />}
      />
      <div className={layout.stack}>
        {isNew && <Welcome />}
        {stats.isLoadingError ? (
          <Card>
            <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
          </Card>
        ) : (
          <Figures stats={stats.data} />
        )}
        {!isNew && <NeedsSomeone webhooks={webhooks} />}
        {!stats.isLoadingError && (
          <>
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
      </div>
    </>
  );
}
