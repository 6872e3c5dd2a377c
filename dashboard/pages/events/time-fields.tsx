import type { ApiProblem } from '../../api/client.ts';
import { momentOfField } from '../../format/time.ts';
import { TextField } from '../../ui/field.tsx';

/** What the two fields hold, as they hold it; empty for no time. */
export interface TimeValues {
  deliverAt: string;
  expiresAt: string;
}

/** When an event goes out, and until when. */
export function TimeFields({
  values,
  onChange,
  problem,
}: {
  values: TimeValues;
  onChange: (values: TimeValues) => void;
  problem: ApiProblem | undefined;
}) {
  return (
    <>
      <TextField
        label="Goes out"
        isOptional
        type="datetime-local"
        hint="At once, if empty. Which webhooks get it is decided then."
        value={values.deliverAt}
        onChange={(event) => onChange({ ...values, deliverAt: event.target.value })}
        error={problem?.field('/deliver_at')}
      />
      <TextField
        label="Expires"
        isOptional
        type="datetime-local"
        hint="From then on nothing of it is sent."
        value={values.expiresAt}
        onChange={(event) => onChange({ ...values, expiresAt: event.target.value })}
        error={problem?.field('/expires_at')}
      />
    </>
  );
}

/** In the words of the API: null for no time. */
export function momentsOf({ deliverAt, expiresAt }: TimeValues) {
  return { deliver_at: momentOfField(deliverAt) ?? null, expires_at: momentOfField(expiresAt) ?? null };
}
