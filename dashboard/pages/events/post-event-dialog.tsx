import { useState } from 'react';
import { useLocation } from 'wouter';
import { ApiProblem } from '../../api/client.ts';
import { useEventTypes, usePostEvent } from '../../api/events.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { DataField, useDataText } from './data-field.tsx';
import { momentsOf, TimeFields } from './time-fields.tsx';

const example = { message_id: 'msg_1234567890', to: '+15551234567' };

/** Posts an event, as a producer would. */
export function PostEventDialog({ onClose }: { onClose: () => void }) {
  const types = useEventTypes();
  const post = usePostEvent();
  const say = useSay();
  const [, navigate] = useLocation();
  const [type, setType] = useState('message.delivered');
  const [channel, setChannel] = useState('');
  const data = useDataText(() => JSON.stringify(example, null, 2));
  const [times, setTimes] = useState({ deliverAt: '', expiresAt: '' });
  const choose = (name: string) => {
    setType(name);
    const found = types.data?.find((known) => known.name === name);
    if (found?.example) data.set(JSON.stringify(found.example, null, 2));
  };
  const submit = () => {
    const posted = data.read();
    if (posted === undefined) return;
    post.mutate(
      {
        ...{ type: type.trim(), data: posted, ...momentsOf(times) },
        ...(channel.trim() === '' ? {} : { channel: channel.trim() }),
      },
      {
        onSuccess: ({ id, deliver_at }) => {
          say.done(deliver_at === null ? 'The event is posted' : 'The event is scheduled');
          onClose();
          navigate(`/events/${encodeURIComponent(id)}`);
        },
      },
    );
  };
  const problem = post.error instanceof ApiProblem ? post.error : undefined;
  return (
    <Dialog
      title="Post an event"
      isWide
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={post.isPending}>
            Post event
          </Button>
        </>
      }
    >
      <TextField
        label="Event type"
        isMono
        list="event-types"
        value={type}
        onChange={(event) => choose(event.target.value)}
        error={problem?.field('/type')}
      />
      <datalist id="event-types">
        {(types.data ?? []).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <TextField
        label="Channel"
        isOptional
        isMono
        placeholder="whatsapp:+15551234567"
        value={channel}
        onChange={(event) => setChannel(event.target.value)}
        error={problem?.field('/channel')}
      />
      <DataField data={data} refusal={problem} />
      <TimeFields values={times} onChange={setTimes} problem={problem} />
      <ProblemBanner error={post.error} />
    </Dialog>
  );
}
