import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useRotateSecret } from '../../api/webhooks.ts';
import { Banner, ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { SelectField } from '../../ui/field.tsx';
import { Secret } from '../../ui/secret.tsx';
import { Time } from '../../ui/time.tsx';

const overlaps = [
  { seconds: 86_400, words: 'For 24 hours' },
  { seconds: 3_600, words: 'For one hour' },
  { seconds: 604_800, words: 'For 7 days' },
  { seconds: 0, words: 'No longer: it may be known to others' },
];

/** Makes a new secret; the one before may go on signing beside it for a while. */
export function RotateDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const rotate = useRotateSecret(webhook.id);
  const [overlap, setOverlap] = useState(86_400);
  if (rotate.data !== undefined) {
    const { secret, previous_expires_at } = rotate.data;
    return (
      <Dialog title="The new secret" onClose={onClose} footer={<Button onClick={onClose}>Done</Button>}>
        <Banner tone="good" title="From now on requests are signed with it.">
          {previous_expires_at && (
            <p>
              The one before signs as well, and ends <Time at={previous_expires_at} />.
            </p>
          )}
        </Banner>
        <Secret text={secret} what="secret" />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Rotate the signing secret"
      onClose={onClose}
      onSubmit={() => rotate.mutate({ overlap_seconds: overlap })}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={rotate.isPending}>
            Make a new secret
          </Button>
        </>
      }
    >
      <SelectField
        label="The secret of today goes on signing"
        value={overlap}
        onChange={(event) => setOverlap(Number(event.target.value))}
        hint="While both sign, receivers can change over whenever they are ready."
      >
        {overlaps.map(({ seconds, words }) => (
          <option key={seconds} value={seconds}>
            {words}
          </option>
        ))}
      </SelectField>
      <ProblemBanner error={rotate.error} />
    </Dialog>
  );
}
