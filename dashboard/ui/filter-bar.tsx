import { Search } from 'lucide-react';
import type { InputHTMLAttributes, ReactNode } from 'react';
import styles from './filter-bar.module.css';

/** What a list is narrowed by. */
export function FilterBar({ children }: { children: ReactNode }) {
  return <search className={styles.bar}>{children}</search>;
}

export function SearchBox({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <div className={styles.search}>
      <Search aria-hidden />
      <input
        type="search"
        className={styles.input}
        aria-label={label}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

export function FilterSelect({
  label,
  value,
  onChange,
  children,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ReactNode;
}) {
  return (
    <select
      aria-label={label}
      className={`${styles.input} ${styles.select} ${value === '' ? '' : styles.isSet}`}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {children}
    </select>
  );
}

export function FilterInput({
  label,
  value,
  ...rest
}: { label: string; value: string } & Omit<InputHTMLAttributes<HTMLInputElement>, 'className' | 'value'>) {
  return (
    <label className={styles.field}>
      {label}
      <input {...rest} value={value} className={`${styles.input} ${value === '' ? '' : styles.isSet}`} />
    </label>
  );
}
