import type { CSSProperties, ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './rows.module.css';

export { styles as rowStyles };

export interface Column {
  name: string;
  /** As in `grid-template-columns`. */
  width: string;
  /** Not shown where the window is narrow. */
  isWideOnly?: boolean;
  isEnd?: boolean;
}

/**
 * A table whose rows are laid out as a grid, and as small cards where the window is narrow. By roles, since the rows of a
 * virtual list are placed, which those of a <table> cannot be; what a row links to has the focus, not the row.
 */
export function Rows({
  label,
  columns,
  narrow,
  children,
}: {
  label: string;
  columns: readonly Column[];
  /** The columns of a narrow window. */
  narrow?: string;
  children: ReactNode;
}) {
  const sizes = {
    '--columns': columns.map(({ width }) => width).join(' '),
    ...(narrow === undefined ? {} : { '--narrow-columns': narrow }),
  } as CSSProperties;
  return (
    <div role="table" aria-label={label} className={styles.table} style={sizes}>
      <div role="row" className={styles.head}>
        {columns.map(({ name, isEnd }) => (
          <span key={name} role="columnheader" className={isEnd ? styles.end : ''}>
            {name}
          </span>
        ))}
      </div>
      {children}
    </div>
  );
}

export function Row({ isLinked = true, children }: { isLinked?: boolean; children: ReactNode }) {
  return (
    <div role="row" className={`${styles.row} ${isLinked ? styles.linked : ''}`}>
      {children}
    </div>
  );
}

export function Cell({
  isWideOnly = false,
  isEnd = false,
  narrowOrder = 0,
  children,
}: {
  isWideOnly?: boolean;
  isEnd?: boolean;
  /** Where the window is narrow, cells stand in this order. */
  narrowOrder?: 0 | 1 | 2 | 3;
  children?: ReactNode;
}) {
  const className = [
    styles.cell,
    isWideOnly ? styles.wideOnly : '',
    isEnd ? styles.end : '',
    styles[`order${narrowOrder}`],
  ].join(' ');
  return (
    <div role="cell" className={className}>
      {children}
    </div>
  );
}

/** What a row is about; a click anywhere in the row follows it. */
export function RowLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link href={to} className={`${styles.link} ${styles.line}`}>
      {children}
    </Link>
  );
}
