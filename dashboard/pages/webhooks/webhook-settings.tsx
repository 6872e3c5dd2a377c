import type { Webhook } from '../../api/types.ts';
import { useWebhookHealth } from '../../api/webhooks.ts';
import { duration } from '../../format/time.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Chip } from '../../ui/badge.tsx';
import { Card } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Facts } from '../../ui/facts.tsx';
import layout from '../../ui/layout.module.css';
import { Time } from '../../ui/time.tsx';
import { CertificateFact } from './certificate-fact.tsx';
import { DangerZone } from './danger-zone.tsx';
import { healthInWords, orderInWords, scheduleInWords } from './policy-words.ts';
import { SecretCard } from './secret-card.tsx';
import { VerifyCard } from './verify-card.tsx';
import styles from './webhooks.module.css';

/** How a webhook is set up, its secret, and what can be done with it as a whole. */
export function WebhookSettings({ webhook }: { webhook: Webhook }) {
  const canWrite = useCanWrite();
  return (
    <div className={layout.columns}>
      <div className={layout.stack}>
        <Setup webhook={webhook} />
        {canWrite && <DangerZone webhook={webhook} />}
      </div>
      <div className={layout.stack}>
        {canWrite && <SecretCard webhook={webhook} />}
        <VerifyCard profile={webhook.profile} />
      </div>
    </div>
  );
}

function Setup({ webhook }: { webhook: Webhook }) {
  const health = useWebhookHealth(webhook.id);
  const headers = Object.keys(webhook.headers);
  return (
    <Card title="Set-up">
      <Facts
        of={{
          URL: <span className={styles.url}>{webhook.url ?? 'None: its consumer pulls'}</span>,
          Events: (
            <span className={layout.chips}>
              {webhook.events.map((event) => (
                <Chip key={event}>{event === '*' ? 'all events' : event}</Chip>
              ))}
            </span>
          ),
          Channels:
            webhook.channels === null ? (
              'All'
            ) : (
              <span className={layout.chips}>
                {webhook.channels.map((channel) => (
                  <Chip key={channel}>{channel}</Chip>
                ))}
              </span>
            ),
          Profile: <Chip>{webhook.profile}</Chip>,
          Filter: webhook.filter && <code className={styles.expression}>{webhook.filter}</code>,
          Transformation: webhook.transformation && (
            <code className={styles.expression}>{webhook.transformation}</code>
          ),
          Retries: scheduleInWords(webhook.retry_schedule),
          'Time limit': webhook.timeout_ms === null ? 'As in the profile' : duration(webhook.timeout_ms),
          Health: webhook.url === null ? undefined : health.data && healthInWords(health.data.policy),
          'Recovery rate': webhook.url === null ? undefined : `${webhook.recovery_rate} deliveries a second`,
          Order: orderInWords(webhook),
          Authentication: authInWords(webhook.auth),
          'Client certificate': webhook.client_certificate_details && (
            <CertificateFact certificate={webhook.client_certificate_details} />
          ),
          Authorities: webhook.server_ca === null ? undefined : 'The webhook’s own',
          Headers:
            headers.length === 0 ? undefined : (
              <span className={layout.chips}>
                {headers.map((name) => (
                  <Chip key={name}>{name}</Chip>
                ))}
              </span>
            ),
          Id: (
            <>
              <code>{webhook.id}</code> <CopyButton text={webhook.id} label="Copy the webhook’s id" isBare />
            </>
          ),
          Created: <Time at={webhook.created_at} />,
          Changed: <Time at={webhook.updated_at} />,
        }}
      />
    </Card>
  );
}

function authInWords(auth: Webhook['auth']): string {
  if (auth.type === 'oauth2') return `OAuth 2, as ${auth.client_id} at ${new URL(auth.token_url).host}`;
  return { none: 'None', basic: 'Basic', bearer: 'Bearer token' }[auth.type];
}
