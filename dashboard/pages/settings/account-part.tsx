import { useAccount, useAccounts } from '../../api/settings.ts';
import type { Account } from '../../api/types.ts';
import { count } from '../../format/numbers.ts';
import { useSession } from '../../layout/session-context.ts';
import { Card } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Facts } from '../../ui/facts.tsx';
import layout from '../../ui/layout.module.css';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { PortalLinkCard } from './portal-link-card.tsx';

const kibibyte = 1_024;

/** Who one is, what one's account is limited to, and links that let customers in. */
export function AccountPart() {
  const session = useSession();
  const accounts = useAccounts(session.is_admin);
  const own = useAccount(session.account.id);
  return (
    <div className={layout.columns}>
      <div className={layout.stack}>
        <Card title="Account">
          <Facts
            of={{
              Name: session.account.name,
              Id: (
                <>
                  <code>{session.account.id}</code>{' '}
                  <CopyButton text={session.account.id} label="Copy the account’s id" isBare />
                </>
              ),
              Created: own.data && <Time at={own.data.created_at} />,
            }}
          />
        </Card>
        <Card title="Limits" note="The most that this account can have or send.">
          {own.isPending ? (
            <LoadingRows rows={3} />
          ) : own.isLoadingError ? (
            <ErrorState error={own.error} onRetry={() => void own.refetch()} />
          ) : (
            <Limits account={own.data} />
          )}
        </Card>
        <Card title="Postrider">
          <Facts
            of={{
              Version: session.version,
              Address: <code>{session.postrider_url}</code>,
              'API documentation': <a href="/docs">/docs</a>,
              Temporal: session.temporal_ui_url && (
                <a href={session.temporal_ui_url} target="_blank" rel="noreferrer">
                  {session.temporal_ui_url}
                </a>
              ),
            }}
          />
        </Card>
      </div>
      <PortalLinkCard accounts={accounts.data ?? []} />
    </div>
  );
}

function Limits({ account: { inbox_message_limit, strict_event_types, limits } }: { account: Account }) {
  const { event_bytes, batch_events, batch_bytes, described_event_types, signing_secrets } = limits;
  const { requests_per_second, events_per_day, webhooks } = limits;
  const ofBatch = `${count(batch_bytes / kibibyte / kibibyte)} MiB`;
  return (
    <Facts
      of={{
        Requests: atMost(requests_per_second, 'a second'),
        Events: atMost(events_per_day, 'a day (UTC)'),
        Webhooks: atMost(webhooks, ''),
        'An event': ofBytes(event_bytes),
        'A batch of events': `${count(batch_events)} events, ${ofBatch}`,
        'Described event types': count(described_event_types),
        'Other event types': strict_event_types ? 'are refused' : 'are taken',
        'A contact’s App Inbox': `${count(inbox_message_limit)} messages`,
        'A webhook’s signing secrets': `${count(signing_secrets)} at the same time`,
      }}
    />
  );
}

function atMost(limit: number | null, within: string): string {
  return limit === null ? 'not limited' : `${count(limit)} ${within}`.trim();
}

function ofBytes(bytes: number): string {
  return bytes % kibibyte === 0 ? `${count(bytes / kibibyte)} KiB` : `${count(bytes)} bytes`;
}
