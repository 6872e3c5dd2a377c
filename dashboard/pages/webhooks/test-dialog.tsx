import { useState } from 'react';
import { Link } from 'wouter';
import { useDelivery } from '../../api/deliveries.ts';
import { useEventTypes } from '../../api/events.ts';
import type { Webhook } from '../../api/types.ts';
import { useTestWebhook } from '../../api/webhooks.ts';
import { DeliveryBadge } from '../../ui/badge.tsx';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { SelectField } from '../../ui/field.tsx';
import layout from '../../ui/layout.module.css';
import { LoadingRows } from '../../ui/states.tsx';
import { AttemptCard } from '../deliveries/attempt-card.tsx';
import styles from './webhooks.module.css';

/** Sends an example event to this webhook alone, and shows how it arrives. */
export function TestDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const types = useEventTypes();
  const test = useTestWebhook(webhook.id);
  const usual = webhook.events.find((event) => !event.includes('*'));
  const [chosen, setChosen] = useState(usual);
  const names = types.data?.map(({ name }) => name) ?? [];
  const offered = usual === undefined || names.includes(usual) ? names : [usual, ...names];
  const type = chosen ?? offered[0];
  return (
    <Dialog
      title="Send a test event"
      isWide
      onClose={onClose}
      onSubmit={() => type !== undefined && test.mutate(type)}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" isBusy={test.isPending} disabled={type === undefined}>
            {test.data === undefined ? 'Send' : 'Send another'}
          </Button>
        </>
      }
    >
      <SelectField
        label="Event type"
        value={type ?? ''}
        onChange={(event) => setChosen(event.target.value)}
        hint="Its example data goes to this webhook alone, in one attempt."
      >
        {offered.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </SelectField>
      <ProblemBanner error={test.error} />
      {test.data !== undefined && <Arrival deliveryId={test.data.delivery_id} />}
    </Dialog>
  );
}

function Arrival({ deliveryId }: { deliveryId: string }) {
  const delivery = useDelivery(deliveryId);
  if (delivery.data === undefined) return <LoadingRows rows={1} />;
  const attempt = delivery.data.attempts.at(-1);
  return (
    <div className={styles.timeline} role="status" aria-label="The test’s outcome">
      <div className={layout.chips}>
        <DeliveryBadge status={delivery.data.status} />
        <Link href={`/deliveries/${deliveryId}`}>Open the delivery</Link>
      </div>
      {attempt && <AttemptCard attempt={attempt} isOpen />}
    </div>
  );
}
