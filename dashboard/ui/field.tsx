import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react';
import styles from './field.module.css';

interface Described {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  isOptional?: boolean;
}

interface Wiring {
  id: string;
  'aria-invalid': boolean;
  'aria-describedby': string | undefined;
}

function Field({
  label,
  hint,
  error,
  isOptional = false,
  children,
}: Described & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const isDescribed = error !== undefined || hint !== undefined;
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
        {isOptional && <span className={styles.optional}> (optional)</span>}
      </label>
      {children({
        id,
        'aria-invalid': error !== undefined,
        'aria-describedby': isDescribed ? `${id}-note` : undefined,
      })}
      {isDescribed && (
        <div id={`${id}-note`} className={error === undefined ? styles.hint : styles.error}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

type Without<T> = Omit<T, 'id' | 'className'>;

export function TextField({
  label,
  hint,
  error,
  isOptional,
  isMono = false,
  ...rest
}: Described & { isMono?: boolean } & Without<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <Field {...described(label, hint, error, isOptional)}>
      {(wiring) => <input {...rest} {...wiring} className={`${styles.input} ${isMono ? styles.mono : ''}`} />}
    </Field>
  );
}

export function TextAreaField({
  label,
  hint,
  error,
  isOptional,
  isMono = false,
  ...rest
}: Described & { isMono?: boolean } & Without<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return (
    <Field {...described(label, hint, error, isOptional)}>
      {(wiring) => (
        <textarea {...rest} {...wiring} className={`${styles.input} ${isMono ? styles.mono : ''}`} />
      )}
    </Field>
  );
}

export function SelectField({
  label,
  hint,
  error,
  isOptional,
  children,
  ...rest
}: Described & Without<SelectHTMLAttributes<HTMLSelectElement>>) {
  return (
    <Field {...described(label, hint, error, isOptional)}>
      {(wiring) => (
        <select {...rest} {...wiring} className={styles.input}>
          {children}
        </select>
      )}
    </Field>
  );
}

export function CheckField({
  label,
  hint,
  ...rest
}: { label: ReactNode; hint?: ReactNode } & Without<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...rest} />
      <span className={styles.checkText}>
        {label}
        {hint !== undefined && <span className={styles.checkHint}>{hint}</span>}
      </span>
    </label>
  );
}

/** Several fields under one label. */
export function FieldGroup({ label, hint, error, children }: Described & { children: ReactNode }) {
  const id = useId();
  return (
    <fieldset
      className={styles.field}
      aria-describedby={error === undefined && hint === undefined ? undefined : `${id}-note`}
    >
      <legend className={styles.label}>{label}</legend>
      {(error ?? hint) !== undefined && (
        <div id={`${id}-note`} className={error === undefined ? styles.hint : styles.error}>
          {error ?? hint}
        </div>
      )}
      {children}
    </fieldset>
  );
}

function described(
  label: string,
  hint: ReactNode,
  error: string | undefined,
  isOptional: boolean | undefined,
): Described {
  return {
    ...{ label, error },
    ...(hint === undefined ? {} : { hint }),
    ...(isOptional === undefined ? {} : { isOptional }),
  };
}
