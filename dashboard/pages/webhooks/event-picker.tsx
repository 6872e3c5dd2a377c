import { X } from 'lucide-react';
import { useState } from 'react';
import { useEventTypes } from '../../api/events.ts';
import { Button } from '../../ui/button.tsx';
import { CheckField, FieldGroup, TextField } from '../../ui/field.tsx';
import { LoadingRows } from '../../ui/states.tsx';
import styles from './webhooks.module.css';

const pattern = /^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$/;

/** Picks event types from the catalogue; others, and patterns such as `message.*`, are typed and added. */
export function EventPicker({
  picked,
  error,
  onChange,
}: {
  picked: readonly string[];
  error: string | undefined;
  onChange: (events: readonly string[]) => void;
}) {
  const types = useEventTypes();
  const [text, setText] = useState('');
  const sought = text.trim();
  const shown = (types.data ?? []).filter(({ name, description }) =>
    `${name}\n${description}`.toLowerCase().includes(sought.toLowerCase()),
  );
  const isNew =
    pattern.test(sought) && !picked.includes(sought) && !shown.some(({ name }) => name === sought);
  const toggle = (name: string, isOn: boolean) =>
    onChange(isOn ? [...picked, name] : picked.filter((event) => event !== name));
  const all = picked.includes('*');
  return (
    <FieldGroup label="Events" error={error}>
      <CheckField
        checked={all}
        onChange={(event) => onChange(event.target.checked ? ['*'] : [])}
        label="All events"
        hint="Those of types that are yet to come as well"
      />
      {!all && (
        <div className={styles.picker}>
          <div className={styles.pickerSearch}>
            <TextField
              label="Find or add an event type"
              placeholder="message.delivered, or message.*"
              value={text}
              onChange={(event) => setText(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                if (isNew) {
                  toggle(sought, true);
                  setText('');
                }
              }}
            />
          </div>
          <div className={styles.pickerList}>
            {types.isPending && <LoadingRows rows={3} />}
            {isNew && (
              <div>
                <Button
                  size="small"
                  onClick={() => {
                    toggle(sought, true);
                    setText('');
                  }}
                >
                  Add “{sought}”
                </Button>
              </div>
            )}
            {shown.map(({ name, description }) => (
              <CheckField
                key={name}
                checked={picked.includes(name)}
                onChange={(event) => toggle(name, event.target.checked)}
                label={<span className={styles.typeName}>{name}</span>}
                {...(description === '' ? {} : { hint: description })}
              />
            ))}
          </div>
          {picked.length > 0 && (
            <div className={styles.picked}>
              {picked.map((name) => (
                <button
                  key={name}
                  type="button"
                  className={styles.unpick}
                  aria-label={`Remove ${name}`}
                  onClick={() => toggle(name, false)}
                >
                  {name}
                  <X aria-hidden />
                </button>
              ))}
            </div>
          )}
        </div>
      )}
    </FieldGroup>
  );
}
