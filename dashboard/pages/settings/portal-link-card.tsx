import { type FormEvent, useState } from 'react';
import { useCreatePortalLink } from '../../api/settings.ts';
import type { Account } from '../../api/types.ts';
import { useCanWrite, useSession } from '../../layout/session-context.ts';
import { Banner, ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { CheckField, SelectField } from '../../ui/field.tsx';
import { Secret } from '../../ui/secret.tsx';
import { Time } from '../../ui/time.tsx';
import styles from './settings.module.css';

const spans = [
  { seconds: 3_600, words: 'One hour' },
  { seconds: 86_400, words: 'One day' },
  { seconds: 7 * 86_400, words: '7 days' },
  { seconds: 30 * 86_400, words: '30 days' },
];

/** Makes a link that opens the dashboard for one account only, for a while. */
export function PortalLinkCard({ accounts }: { accounts: readonly Account[] }) {
  const session = useSession();
  const canWrite = useCanWrite();
  const create = useCreatePortalLink();
  const [account, setAccount] = useState(session.account.id);
  const [seconds, setSeconds] = useState(86_400);
  const [isReadOnly, setIsReadOnly] = useState(true);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ account_id: account, expires_in: seconds, read_only: isReadOnly });
  };
  return (
    <Card
      title="Portal link"
      note="Opens this dashboard for one account only, for a while: to give to a customer."
    >
      <form className={styles.form} onSubmit={submit}>
        {accounts.length > 1 && (
          <SelectField label="Account" value={account} onChange={(event) => setAccount(event.target.value)}>
            {accounts.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </SelectField>
        )}
        <SelectField
          label="Good for"
          value={seconds}
          onChange={(event) => setSeconds(Number(event.target.value))}
        >
          {spans.map((span) => (
            <option key={span.seconds} value={span.seconds}>
              {span.words}
            </option>
          ))}
        </SelectField>
        <CheckField
          checked={isReadOnly}
          onChange={(event) => setIsReadOnly(event.target.checked)}
          label="Read only"
          hint="Whoever has the link can look, not change"
        />
        <div>
          <Button type="submit" kind="primary" isBusy={create.isPending} disabled={!canWrite}>
            Create link
          </Button>
        </div>
        <ProblemBanner error={create.error} />
        {create.data !== undefined && (
          <>
            <Banner tone="warn" title="It is shown this once.">
              <p>
                Whoever has it gets in. It ends <Time at={create.data.expires_at} />.
              </p>
            </Banner>
            <Secret text={create.data.url} what="link" testId="portal-link" />
          </>
        )}
      </form>
    </Card>
  );
}
