import { useState } from 'react';
import { ApiProblem } from '../../api/client.ts';
import { useChangeEvent } from '../../api/events.ts';
import type { Event } from '../../api/types.ts';
import { fieldOfMoment } from '../../format/time.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { DataField, useDataText } from './data-field.tsx';
import { momentsOf, TimeFields } from './time-fields.tsx';

/** Changes an event that has not gone out yet. */
export function ChangeEventDialog({ event, onClose }: { event: Event; onClose: () => void }) {
  const change = useChangeEvent(event.id);
  const say = useSay();
  const shown = {
    times: {
      deliverAt: fieldOfMoment(event.deliver_at ?? undefined),
      expiresAt: fieldOfMoment(event.expires_at ?? undefined),
    },
    text: JSON.stringify(event.data, null, 2),
  };
  const [first] = useState(shown);
  const [times, setTimes] = useState(first.times);
  const data = useDataText(() => first.text);
  const submit = () => {
    const changed = data.read();
    if (changed === undefined) return;
    const { deliver_at, expires_at } = momentsOf(times);
    // Fields show minutes: what was not touched stays to the millisecond.
    const body = {
      ...(times.deliverAt === first.times.deliverAt ? {} : { deliver_at }),
      ...(times.expiresAt === first.times.expiresAt ? {} : { expires_at }),
      ...(data.text === first.text ? {} : { data: changed }),
    };
    change.mutate(body, {
      onSuccess: () => {
        say.done('The event is changed');
        onClose();
      },
    });
  };
  const problem = change.error instanceof ApiProblem ? change.error : undefined;
  return (
    <Dialog
      title="Change this event"
      isWide
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={change.isPending}>
            Change event
          </Button>
        </>
      }
    >
      <TimeFields values={times} onChange={setTimes} problem={problem} />
      <DataField data={data} refusal={problem} />
      <ProblemBanner error={change.error} />
    </Dialog>
  );
}
