import { Plus, X } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { FieldGroup, SelectField, TextField } from '../../ui/field.tsx';
import type { FormValues } from './form-values.ts';
import type { SetValue } from './webhook-form.tsx';
import styles from './webhooks.module.css';

/** How requests authenticate, and what headers they carry besides. */
export function RequestFields({
  values,
  set,
  problemAt,
}: {
  values: FormValues;
  set: SetValue;
  problemAt: (pointer: string) => string | undefined;
}) {
  const change = (id: number, part: { name?: string; value?: string }) =>
    set(
      'headers',
      values.headers.map((header) => (header.id === id ? { ...header, ...part } : header)),
    );
  const nextId = Math.max(-1, ...values.headers.map(({ id }) => id)) + 1;
  return (
    <details className={styles.details}>
      <summary>Authentication and headers</summary>
      <div className={styles.detailsBody}>
        <SelectField
          label="Authentication"
          value={values.authType}
          onChange={(event) => set('authType', event.target.value as FormValues['authType'])}
          hint="Beside the signature, which every request has"
          error={problemAt('/auth')}
        >
          <option value="none">None</option>
          <option value="basic">Basic</option>
          <option value="bearer">Bearer token</option>
        </SelectField>
        {values.authType === 'basic' && (
          <div className={styles.pair}>
            <TextField
              label="User name"
              autoComplete="off"
              value={values.username}
              onChange={(event) => set('username', event.target.value)}
            />
            <TextField
              label="Password"
              type="password"
              autoComplete="new-password"
              value={values.password}
              onChange={(event) => set('password', event.target.value)}
            />
          </div>
        )}
        {values.authType === 'bearer' && (
          <TextField
            label="Token"
            type="password"
            autoComplete="off"
            value={values.token}
            onChange={(event) => set('token', event.target.value)}
          />
        )}
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
      </div>
    </details>
  );
}
