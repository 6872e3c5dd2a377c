import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useEnableWebhook } from '../../api/webhooks.ts';
import { counted } from '../../format/numbers.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { CheckField, FieldGroup, TextField } from '../../ui/field.tsx';
import { useSay } from '../../ui/toasts.tsx';

/** Re-enables an endpoint, and asks what becomes of what is held for it. */
export function EnableDialog({
  webhook,
  held,
  onClose,
}: {
  webhook: Webhook;
  held: number;
  onClose: () => void;
}) {
  const enable = useEnableWebhook(webhook.id);
  const say = useSay();
  const [choice, setChoice] = useState<'deliver' | 'discard'>('deliver');
  const [reason, setReason] = useState('');
  const submit = () =>
    enable.mutate(
      { held: choice, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) },
      {
        onSuccess: () => {
          say.done('The endpoint is enabled');
          onClose();
        },
      },
    );
  return (
    <Dialog
      title="Re-enable this endpoint"
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={enable.isPending}>
            Re-enable
          </Button>
        </>
      }
    >
      <FieldGroup
        label={
          held === 0
            ? 'What becomes of deliveries that are held'
            : `${counted(held, 'delivery is', 'deliveries are')} held for it`
        }
      >
        <CheckField
          type="radio"
          name="held"
          checked={choice === 'deliver'}
          onChange={() => setChoice('deliver')}
          label="Deliver them"
          hint={`Oldest first, ${webhook.recovery_rate} a second`}
        />
        <CheckField
          type="radio"
          name="held"
          checked={choice === 'discard'}
          onChange={() => setChoice('discard')}
          label="Discard them"
          hint="They are cancelled; “Recover” can send them later"
        />
      </FieldGroup>
      <TextField
        label="Reason"
        isOptional
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.target.value)}
        hint="Kept in the audit log"
      />
      <ProblemBanner error={enable.error} />
    </Dialog>
  );
}
