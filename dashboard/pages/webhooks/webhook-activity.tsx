import { useStats } from '../../api/stats.ts';
import type { Webhook } from '../../api/types.ts';
import { Card } from '../../ui/card.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState } from '../../ui/states.tsx';
import { Figures } from '../overview/figures.tsx';
import { ranges, useRange } from '../overview/range.ts';
import { StatsCards } from '../overview/stats-cards.tsx';
import { PullCard } from './pull-card.tsx';
import { RecentDeliveries } from './recent-deliveries.tsx';

/** How a webhook is doing: figures, charts, and its latest deliveries. */
export function WebhookActivity({ webhook }: { webhook: Webhook }) {
  const [range, setRange] = useRange();
  const stats = useStats(range, webhook.id);
  return (
    <>
      {webhook.url === null && <PullCard webhook={webhook} />}
      <div>
        <Segmented label="Time span" value={range} options={ranges} onChange={setRange} />
      </div>
      {stats.isLoadingError ? (
        <Card>
          <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />
        </Card>
      ) : (
        <>
          <Figures stats={stats.data} webhookId={webhook.id} isPulled={webhook.url === null} />
          <StatsCards stats={stats.data} />
        </>
      )}
      <RecentDeliveries webhookId={webhook.id} />
    </>
  );
}
