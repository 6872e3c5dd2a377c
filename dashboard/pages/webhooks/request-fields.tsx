import { Plus, X } from 'lucide-react';
import { counted } from '../../format/numbers.ts';
import { Button } from '../../ui/button.tsx';
import { FieldGroup, TextField } from '../../ui/field.tsx';
import { AuthFields } from './auth-fields.tsx';
import { FormSection, isAnyWrong } from './form-section.tsx';
import type { FormValues } from './form-values.ts';
import type { FieldsProps } from './webhook-form.tsx';
import styles from './webhooks.module.css';

/** How requests authenticate, and what headers they carry besides. */
export function RequestFields({ values, set, problemAt }: FieldsProps) {
  const change = (id: number, part: { name?: string; value?: string }) =>
    set(
      'headers',
      values.headers.map((header) => (header.id === id ? { ...header, ...part } : header)),
    );
  const nextId = Math.max(-1, ...values.headers.map(({ id }) => id)) + 1;
  return (
    <FormSection
      title="Authentication and headers"
      note={noteOf(values)}
      isOpen={isAnyWrong(problemAt, '/auth', '/headers')}
    >
      <AuthFields values={values} set={set} problemAt={problemAt} />
      <FieldGroup label="Headers" error={problemAt('/headers')}>
        {values.headers.map(({ id, name, value }) => (
          <div key={id} className={styles.headerRow}>
            <TextField
              label="Name"
              isMono
              value={name}
              onChange={(event) => change(id, { name: event.target.value })}
            />
            <TextField
              label="Value"
              isMono
              value={value}
              onChange={(event) => change(id, { value: event.target.value })}
            />
            <Button
              kind="ghost"
              label={`Remove the header ${name}`}
              onClick={() =>
                set(
                  'headers',
                  values.headers.filter((header) => header.id !== id),
                )
              }
            >
              <X aria-hidden />
            </Button>
          </div>
        ))}
        <div>
          <Button
            size="small"
            onClick={() => set('headers', [...values.headers, { id: nextId, name: '', value: '' }])}
          >
            <Plus aria-hidden />
            Add a header
          </Button>
        </div>
      </FieldGroup>
    </FormSection>
  );
}

const authNames = { none: undefined, basic: 'Basic', bearer: 'Bearer token', oauth2: 'OAuth 2' } as const;

function noteOf({ authType, headers }: FormValues): string {
  const given = headers.filter(({ name }) => name.trim() !== '').length;
  const parts = [authNames[authType], given === 0 ? undefined : counted(given, 'header', 'headers')];
  return parts.filter((part) => part !== undefined).join(', ') || 'None';
}
