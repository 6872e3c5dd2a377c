import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import type { Webhook } from '../../api/types.ts';
import { useDeleteWebhook, useDisableWebhook } from '../../api/webhooks.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { useSay } from '../../ui/toasts.tsx';
import styles from './danger-zone.module.css';
import { EnableDialog } from './enable-dialog.tsx';
import { RecoverDialog } from './recover-dialog.tsx';
import { nameOf } from './webhook-name.ts';

type Asked = 'recover' | 'disable' | 'enable' | 'delete' | undefined;

/** What concerns the webhook as a whole. */
export function DangerZone({ webhook }: { webhook: Webhook }) {
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const isPulled = webhook.url === null;
  const isOn = webhook.endpoint_state === 'healthy' || webhook.endpoint_state === 'failing';
  return (
    <Card title="Operate">
      <div className={styles.list}>
        {!isPulled && (
          <Operation
            name="Recover"
            what="Send again what failed since some time, for example while the receiver was broken."
            action={<Button onClick={() => setAsked('recover')}>Recover since …</Button>}
          />
        )}
        {isPulled ? null : isOn ? (
          <Operation
            name="Disable"
            what="Nothing is sent until it is enabled again; what comes is held."
            action={<Button onClick={() => setAsked('disable')}>Disable</Button>}
          />
        ) : (
          <Operation
            name="Re-enable"
            what="Deliveries go out again."
            action={<Button onClick={() => setAsked('enable')}>Re-enable …</Button>}
          />
        )}
        <Operation
          name="Delete"
          what="What waits is cancelled. What was delivered stays in the lists."
          action={
            <Button kind="danger" onClick={() => setAsked('delete')}>
              Delete
            </Button>
          }
        />
      </div>
      {asked === 'recover' && <RecoverDialog webhook={webhook} onClose={close} />}
      {asked === 'enable' && <EnableDialog webhook={webhook} held={0} onClose={close} />}
      {asked === 'disable' && <DisableDialog webhook={webhook} onClose={close} />}
      {asked === 'delete' && <DeleteDialog webhook={webhook} onClose={close} />}
    </Card>
  );
}

function Operation({ name, what, action }: { name: string; what: string; action: ReactNode }) {
  return (
    <div className={styles.operation}>
      <div>
        <h3>{name}</h3>
        <p>{what}</p>
      </div>
      {action}
    </div>
  );
}

function DisableDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const disable = useDisableWebhook(webhook.id);
  const say = useSay();
  const confirm = () =>
    disable.mutate(
      {},
      {
        onSuccess: () => {
          say.done('The endpoint is disabled');
          onClose();
        },
      },
    );
  return (
    <ConfirmDialog
      title={`Disable ${nameOf(webhook)}?`}
      confirm="Disable"
      isBusy={disable.isPending}
      error={disable.error}
      onClose={onClose}
      onConfirm={confirm}
    >
      What it would get is held until someone enables it. It is not probed meanwhile.
    </ConfirmDialog>
  );
}

function DeleteDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const remove = useDeleteWebhook(webhook.id);
  const say = useSay();
  const [, navigate] = useLocation();
  const confirm = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        say.done('The webhook is deleted');
        navigate('/webhooks', { replace: true });
      },
    });
  return (
    <ConfirmDialog
      title={`Delete ${nameOf(webhook)}?`}
      confirm="Delete"
      isBusy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={confirm}
    >
      Deliveries that wait are cancelled. This cannot be taken back.
    </ConfirmDialog>
  );
}
