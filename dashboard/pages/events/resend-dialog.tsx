import { useState } from 'react';
import { useResendEvent } from '../../api/events.ts';
import type { Event } from '../../api/types.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { SelectField } from '../../ui/field.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { nameOf } from '../webhooks/webhook-name.ts';

/** Sends an event again: to one webhook, or to all that subscribe to it. */
export function ResendDialog({ event, onClose }: { event: Event; onClose: () => void }) {
  const webhooks = useWebhooks();
  const resend = useResendEvent(event.id);
  const say = useSay();
  const [to, setTo] = useState('');
  const submit = () =>
    resend.mutate(to === '' ? {} : { webhook_id: to }, {
      onSuccess: () => {
        say.done('The event is on its way again');
        onClose();
      },
    });
  return (
    <Dialog
      title="Send this event again"
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={resend.isPending}>
            Send again
          </Button>
        </>
      }
    >
      <SelectField
        label="To"
        value={to}
        onChange={(change) => setTo(change.target.value)}
        hint="Receivers see the same event id, by which they know a repeat."
      >
        <option value="">All webhooks that subscribe to it</option>
        {(webhooks.data ?? []).map((webhook) => (
          <option key={webhook.id} value={webhook.id}>
            {nameOf(webhook)}
          </option>
        ))}
      </SelectField>
      <ProblemBanner error={resend.error} />
    </Dialog>
  );
}
