import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useRecoverWebhook } from '../../api/webhooks.ts';
import { fieldOfMoment, momentOfField } from '../../format/time.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { SelectField, TextField } from '../../ui/field.tsx';
import { useSay } from '../../ui/toasts.tsx';
import styles from './webhooks.module.css';

const dayMs = 86_400_000;

/** Sends again what ended in failure within a time. */
export function RecoverDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const recover = useRecoverWebhook(webhook.id);
  const say = useSay();
  const [since, setSince] = useState(() => fieldOfMoment(new Date(Date.now() - dayMs).toISOString()));
  const [until, setUntil] = useState('');
  const [status, setStatus] = useState<'failed' | 'cancelled'>('failed');
  const sinceMoment = momentOfField(since);
  const untilMoment = momentOfField(until);
  const submit = () => {
    if (sinceMoment === undefined) return;
    recover.mutate(
      { since: sinceMoment, status, ...(untilMoment === undefined ? {} : { until: untilMoment }) },
      {
        onSuccess: () => {
          say.done('The recovery has begun');
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      title="Recover deliveries"
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button
            type="submit"
            kind="primary"
            isBusy={recover.isPending}
            disabled={sinceMoment === undefined}
          >
            Recover
          </Button>
        </>
      }
    >
      <p>They go out again, {webhook.recovery_rate} a second, with a schedule of attempts of their own.</p>
      <div className={styles.pair}>
        <TextField
          label="Ended since"
          type="datetime-local"
          required
          value={since}
          onChange={(event) => setSince(event.target.value)}
        />
        <TextField
          label="Until"
          isOptional
          type="datetime-local"
          value={until}
          onChange={(event) => setUntil(event.target.value)}
        />
      </div>
      <SelectField
        label="Which"
        value={status}
        onChange={(event) => setStatus(event.target.value === 'cancelled' ? 'cancelled' : 'failed')}
      >
        <option value="failed">Those that failed</option>
        <option value="cancelled">Those that were cancelled or discarded</option>
      </SelectField>
      <ProblemBanner error={recover.error} />
    </Dialog>
  );
}
