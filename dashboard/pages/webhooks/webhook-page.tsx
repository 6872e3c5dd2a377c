import { Pencil, Send } from 'lucide-react';
import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useWebhook } from '../../api/webhooks.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { EndpointBadge } from '../../ui/badge.tsx';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { NotFoundPage } from '../not-found-page.tsx';
import { EndpointBanner } from './endpoint-banner.tsx';
import { TestDialog } from './test-dialog.tsx';
import { WebhookActivity } from './webhook-activity.tsx';
import { WebhookDeliveries } from './webhook-deliveries.tsx';
import { nameOf } from './webhook-name.ts';
import { WebhookSettings } from './webhook-settings.tsx';
import styles from './webhooks.module.css';

const parts = { deliveries: WebhookDeliveries, settings: WebhookSettings };

export function WebhookPage({ id, part }: { id: string; part: string | undefined }) {
  const webhook = useWebhook(id);
  const back = { to: '/webhooks', label: 'Webhooks' };
  if (part !== undefined && !(part in parts)) return <NotFoundPage />;
  if (webhook.isPending || webhook.isLoadingError) {
    return (
      <>
        <PageHeader title="Webhook" back={back} />
        <Card>
          {webhook.isPending ? (
            <LoadingRows rows={3} />
          ) : (
            <ErrorState error={webhook.error} onRetry={() => void webhook.refetch()} />
          )}
        </Card>
      </>
    );
  }
  const Part = part === undefined ? WebhookActivity : parts[part as keyof typeof parts];
  return (
    <>
      <PageHeader
        title={nameOf(webhook.data)}
        badge={<EndpointBadge state={webhook.data.endpoint_state} />}
        back={back}
        note={<span className={styles.url}>{webhook.data.url ?? 'No URL: its consumer pulls'}</span>}
        actions={<Actions webhook={webhook.data} />}
      />
      <Tabs
        label="Parts of this webhook"
        of={[
          { to: `/webhooks/${id}`, label: 'Activity' },
          { to: `/webhooks/${id}/deliveries`, label: 'Deliveries' },
          { to: `/webhooks/${id}/settings`, label: 'Settings and secret' },
        ]}
      />
      <div className={layout.stack}>
        <EndpointBanner webhook={webhook.data} />
        <Part webhook={webhook.data} />
      </div>
    </>
  );
}

function Actions({ webhook }: { webhook: Webhook }) {
  const [isTesting, setIsTesting] = useState(false);
  if (!useCanWrite()) return null;
  return (
    <>
      <ButtonLink to={`/webhooks/${webhook.id}/edit`}>
        <Pencil aria-hidden />
        Edit
      </ButtonLink>
      <Button kind="primary" onClick={() => setIsTesting(true)}>
        <Send aria-hidden />
        Send test event
      </Button>
      {isTesting && <TestDialog webhook={webhook} onClose={() => setIsTesting(false)} />}
    </>
  );
}
