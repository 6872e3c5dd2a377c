import { Link } from 'wouter';
import type { CreatedWebhook } from '../../api/types.ts';
import { useCreateWebhook } from '../../api/webhooks.ts';
import { Banner } from '../../ui/banner.tsx';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { PageHeader } from '../../ui/page-header.tsx';
import { Secret } from '../../ui/secret.tsx';
import { bodyOf, emptyForm } from './form-values.ts';
import { PullCard } from './pull-card.tsx';
import { VerifyCard } from './verify-card.tsx';
import { WebhookForm } from './webhook-form.tsx';
import styles from './webhooks.module.css';

export function NewWebhookPage() {
  const create = useCreateWebhook();
  if (create.data !== undefined) return <Created webhook={create.data} />;
  return (
    <>
      <PageHeader title="Create a webhook" back={{ to: '/webhooks', label: 'Webhooks' }} />
      <WebhookForm
        initial={emptyForm}
        isNew
        error={create.error}
        onSubmit={(values) => create.mutate({ ...bodyOf(values), profile: values.profile })}
        buttons={
          <>
            <Button type="submit" kind="primary" isBusy={create.isPending}>
              Create webhook
            </Button>
            <ButtonLink to="/webhooks">Cancel</ButtonLink>
          </>
        }
      />
    </>
  );
}

/** What one needs next: the secret, and the code that verifies with it. */
function Created({ webhook }: { webhook: CreatedWebhook }) {
  return (
    <>
      <PageHeader
        title="The webhook is created"
        note={<span className={styles.url}>{webhook.url ?? 'No URL: its consumer pulls'}</span>}
        actions={
          <ButtonLink to={`/webhooks/${webhook.id}`} kind="primary">
            Open the webhook
          </ButtonLink>
        }
      />
      <div className={layout.stack}>
        <Banner tone="good" title="It gets events from now on.">
          <p>
            Give its signing secret to the receiver. You find it again in{' '}
            <Link href={`/webhooks/${webhook.id}/settings`}>its settings</Link>.
          </p>
        </Banner>
        <Card title="Signing secret">
          <Secret text={webhook.secret} what="secret" testId="secret" />
        </Card>
        {webhook.url === null && <PullCard webhook={webhook} />}
        <VerifyCard profile={webhook.profile} />
      </div>
    </>
  );
}
