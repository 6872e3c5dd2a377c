import { useStats } from '../../api/stats.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState } from '../../ui/states.tsx';
import { Figures } from './figures.tsx';
import { NeedsSomeone } from './needs-someone.tsx';
import { ranges, useRange } from './range.ts';
import { StatsCards } from './stats-cards.tsx';
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
        {isNew ? <Welcome /> : <NeedsSomeone webhooks={webhooks} />}
        {stats.isLoadingError ? (
          <Card>
            <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
          </Card>
        ) : (
          <>
            <Figures stats={stats.data} />
            <StatsCards stats={stats.data} />
          </>
        )}
      </div>
    </>
  );
}
