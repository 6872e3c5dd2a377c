import { FieldGroup, TextField } from '../../ui/field.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import type { FormValues } from './form-values.ts';
import type { SetValue } from './webhook-form.tsx';

const ways = [
  { value: 'url', label: 'Sent to the receiver' },
  { value: 'pulled', label: 'Pulled by the receiver' },
] as const;

/** Where events go: to a URL, or into a queue from which the consumer pulls them. It is chosen once. */
export function ReceiverFields({
  values,
  set,
  isNew,
  error,
}: {
  values: FormValues;
  set: SetValue;
  isNew: boolean;
  error: string | undefined;
}) {
  const { isPulled } = values;
  return (
    <>
      {isNew && (
        <FieldGroup
          label="Deliveries are"
          hint={
            isPulled
              ? 'Events wait until its consumer pulls them, or `postrider listen` forwards them to this machine.'
              : 'Events are sent there. It must be reachable from the internet.'
          }
          error={isPulled ? error : undefined}
        >
          <div>
            <Segmented
              label="Deliveries are"
              value={isPulled ? 'pulled' : 'url'}
              options={ways}
              onChange={(way) => set('isPulled', way === 'pulled')}
            />
          </div>
        </FieldGroup>
      )}
      {!isPulled && (
        <TextField
          label="URL"
          type="url"
          isMono
          required
          placeholder="https://yourapp.com/webhooks/inbox"
          value={values.url}
          onChange={(event) => set('url', event.target.value)}
          error={error}
        />
      )}
    </>
  );
}
