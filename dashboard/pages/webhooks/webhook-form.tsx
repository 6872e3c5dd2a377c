import { type FormEvent, type ReactNode, useState } from 'react';
import { ApiProblem } from '../../api/client.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Card } from '../../ui/card.tsx';
import { FieldGroup, TextAreaField, TextField } from '../../ui/field.tsx';
import layout from '../../ui/layout.module.css';
import { CertificateFields } from './certificate-fields.tsx';
import { durationsInText } from './durations.ts';
import { EventPicker } from './event-picker.tsx';
import { ExpressionFields } from './expression-fields.tsx';
import { appInboxEvent, type FormValues, profileNames, profileNotes } from './form-values.ts';
import { OrderFields } from './order-fields.tsx';
import { PolicyFields } from './policy-fields.tsx';
import { ReceiverFields } from './receiver-fields.tsx';
import { RequestFields } from './request-fields.tsx';
import { RequestPreview } from './request-preview.tsx';
import styles from './webhooks.module.css';

export type SetValue = <Name extends keyof FormValues>(name: Name, value: FormValues[Name]) => void;

/** What a group of its fields needs. */
export interface FieldsProps {
  values: FormValues;
  set: SetValue;
  problemAt: (pointer: string) => string | undefined;
}

/** The fields of a webhook, with its request beside them as it will be sent. */
export function WebhookForm({
  initial,
  isNew,
  error,
  onSubmit,
  buttons,
}: {
  initial: FormValues;
  isNew: boolean;
  error: Error | null;
  onSubmit: (values: FormValues) => void;
  buttons: ReactNode;
}) {
  const [values, setValues] = useState(initial);
  const [wasTried, setWasTried] = useState(false);
  const set: SetValue = (name, value) => setValues((before) => ({ ...before, [name]: value }));
  const problemAt = (pointer: string) => (error instanceof ApiProblem ? error.field(pointer) : undefined);
  const isAppInbox = values.profile === 'app-inbox';
  const missing = {
    url: values.url.trim() === '' && !values.isPulled ? 'Where are events to be sent?' : undefined,
    events: values.events.length === 0 && !isAppInbox ? 'Which events are to be sent?' : undefined,
    delays: durationsInText(values.delays).some(Number.isNaN)
      ? 'Lengths of time with commas between, such as 0 s, 30 s, 2 min'
      : undefined,
  };
  const isWhole = Object.values(missing).every((problem) => problem === undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWasTried(true);
    if (isWhole) onSubmit(isAppInbox ? { ...values, events: [appInboxEvent] } : values);
  };
  const ifTried = (problem: string | undefined) => (wasTried ? problem : undefined);
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <div className={layout.stack}>
        <Card>
          <div className={styles.fields}>
            <ReceiverFields
              values={values}
              set={set}
              isNew={isNew}
              error={problemAt('/url') ?? ifTried(missing.url)}
            />
            <TextField
              label="Description"
              isOptional
              placeholder="Production webhook endpoint"
              maxLength={1_000}
              value={values.description}
              onChange={(event) => set('description', event.target.value)}
              error={problemAt('/description')}
            />
            {isNew && <ProfileChoice values={values} set={set} error={problemAt('/profile')} />}
            {!isAppInbox && (
              <EventPicker
                picked={values.events}
                onChange={(events) => set('events', events)}
                error={problemAt('/events') ?? ifTried(missing.events)}
              />
            )}
            <TextAreaField
              label="Channels"
              isOptional
              isMono
              rows={2}
              placeholder="whatsapp:+15551234567"
              value={values.channels}
              onChange={(event) => set('channels', event.target.value)}
              hint="One a line: only their events are sent. Empty for all."
              error={problemAt('/channels')}
            />
          </div>
        </Card>
        <Card>
          <ExpressionFields values={values} set={set} problemAt={problemAt} />
        </Card>
        <Card>
          <PolicyFields values={values} set={set} problemAt={problemAt} delaysProblem={missing.delays} />
          <OrderFields values={values} set={set} problemAt={problemAt} />
        </Card>
        {!values.isPulled && (
          <>
            <Card>
              <RequestFields values={values} set={set} problemAt={problemAt} />
            </Card>
            <Card>
              <CertificateFields values={values} set={set} problemAt={problemAt} />
            </Card>
          </>
        )}
        <ProblemBanner error={error} />
        <div className={styles.submit}>{buttons}</div>
      </div>
      <div className={styles.preview}>
        <RequestPreview values={values} />
      </div>
    </form>
  );
}

function ProfileChoice({
  values,
  set,
  error,
}: {
  values: FormValues;
  set: SetValue;
  error: string | undefined;
}) {
  return (
    <FieldGroup label="Profile" hint="How requests look. It cannot be changed later." error={error}>
      <div className={styles.profiles}>
        {profileNames.map((name) => (
          <label key={name} className={styles.profile}>
            <input
              type="radio"
              name="profile"
              checked={values.profile === name}
              onChange={() => set('profile', name)}
            />
            <span>
              {name}
              <small>{profileNotes[name]}</small>
            </span>
          </label>
        ))}
      </div>
    </FieldGroup>
  );
}
