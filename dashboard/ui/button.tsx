import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './button.module.css';

interface Look {
  kind?: 'secondary' | 'primary' | 'danger' | 'ghost';
  size?: 'normal' | 'small';
  /** Only an icon is seen; the label is for those who cannot see it. */
  label?: string;
}

function className({ kind = 'secondary', size = 'normal', label }: Look): string {
  return [
    styles.button,
    kind === 'secondary' ? '' : styles[kind],
    size === 'small' ? styles.small : '',
    label === undefined ? '' : styles.iconOnly,
  ].join(' ');
}

export function Button({
  kind,
  size,
  label,
  isBusy = false,
  children,
  ...rest
}: Look & ButtonHTMLAttributes<HTMLButtonElement> & { isBusy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      className={className({ ...look(kind, size, label) })}
      {...(label === undefined ? {} : { 'aria-label': label, title: label })}
      disabled={rest.disabled === true || isBusy}
      aria-busy={isBusy}
    >
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere. */
export function ButtonLink({ to, kind, size, label, children }: Look & { to: string; children: ReactNode }) {
  return (
    <Link
      href={to}
      className={className({ ...look(kind, size, label) })}
      {...(label === undefined ? {} : { 'aria-label': label, title: label })}
    >
      {children}
    </Link>
  );
}

function look(kind: Look['kind'], size: Look['size'], label: string | undefined): Look {
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(size === undefined ? {} : { size }),
    ...(label === undefined ? {} : { label }),
  };
}
