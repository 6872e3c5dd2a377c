import { useLocation } from 'wouter';
import { useChangeWebhook, useWebhook } from '../../api/webhooks.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { bodyOf, formOf } from './form-values.ts';
import { WebhookForm } from './webhook-form.tsx';
import { nameOf } from './webhook-name.ts';

export function EditWebhookPage({ id }: { id: string }) {
  const webhook = useWebhook(id);
  const change = useChangeWebhook(id);
  const say = useSay();
  const [, navigate] = useLocation();
  const page = `/webhooks/${id}`;
  return (
    <>
      <PageHeader
        title="Edit webhook"
        back={{ to: page, label: webhook.data === undefined ? 'Webhook' : nameOf(webhook.data) }}
      />
      {webhook.isPending ? (
        <Card>
          <LoadingRows />
        </Card>
      ) : webhook.isLoadingError ? (
        <Card>
          <ErrorState error={webhook.error} onRetry={() => void webhook.refetch()} />
        </Card>
      ) : (
        <WebhookForm
          initial={formOf(webhook.data)}
          isNew={false}
          error={change.error}
          onSubmit={(values) =>
            change.mutate(bodyOf(values, webhook.data), {
              onSuccess: () => {
                say.done('The webhook is changed');
                navigate(page);
              },
            })
          }
          buttons={
            <>
              <Button type="submit" kind="primary" isBusy={change.isPending}>
                Save changes
              </Button>
              <ButtonLink to={page}>Cancel</ButtonLink>
            </>
          }
        />
      )}
    </>
  );
}
