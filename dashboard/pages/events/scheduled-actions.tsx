import { Send } from 'lucide-react';
import { useState } from 'react';
import { useCancelEvent, useChangeEvent } from '../../api/events.ts';
import type { Event } from '../../api/types.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { ChangeEventDialog } from './change-event-dialog.tsx';

/** What can be done with an event until it goes out. */
export function ScheduledActions({ event }: { event: Event }) {
  const change = useChangeEvent(event.id);
  const cancel = useCancelEvent(event.id);
  const say = useSay();
  const [asks, setAsks] = useState<'change' | 'cancel'>();
  const close = () => setAsks(undefined);
  const sendNow = () =>
    change.mutate(
      { deliver_at: null },
      { onSuccess: () => say.done('The event goes out now'), onError: say.failed },
    );
  return (
    <>
      <Button onClick={() => setAsks('cancel')}>Cancel event</Button>
      <Button onClick={() => setAsks('change')}>Change</Button>
      <Button kind="primary" isBusy={change.isPending} onClick={sendNow}>
        <Send aria-hidden />
        Send now
      </Button>
      {asks === 'change' && <ChangeEventDialog event={event} onClose={close} />}
      {asks === 'cancel' && (
        <ConfirmDialog
          title="Cancel this event?"
          confirm="Cancel event"
          isBusy={cancel.isPending}
          error={cancel.error}
          onClose={close}
          onConfirm={() =>
            cancel.mutate(undefined, {
              onSuccess: () => {
                close();
                say.done('The event is cancelled');
              },
            })
          }
        >
          It never goes out to any webhook, and stays listed as cancelled.
        </ConfirmDialog>
      )}
    </>
  );
}
