import { useAccounts } from '../../api/settings.ts';
import { count } from '../../format/numbers.ts';
import { useSession } from '../../layout/session-context.ts';
import { Card } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Time } from '../../ui/time.tsx';
import { PortalLinkCard } from './portal-link-card.tsx';
import styles from './settings.module.css';

/** Who one is, what one's account is limited to, and links that let customers in. */
export function AccountPart() {
  const session = useSession();
  const accounts = useAccounts(session.is_admin);
  const own = accounts.data?.find(({ id }) => id === session.account.id);
  return (
    <div className={styles.columns}>
      <div className={styles.stack}>
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
              'App Inbox messages a contact': own && `at most ${count(own.inbox_message_limit)}`,
              'Event types that nobody described':
                own && (own.strict_event_types ? 'are refused' : 'are taken'),
              Created: own && <Time at={own.created_at} />,
            }}
          />
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
