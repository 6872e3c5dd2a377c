import type { ReactNode } from 'react';
import styles from './card.module.css';

/** A part of a page with a heading of its own. `isFlush`: its content reaches the edges, as rows do. */
export function Card({
  title,
  note,
  action,
  isFlush = false,
  children,
}: {
  title?: string;
  note?: ReactNode;
  action?: ReactNode;
  isFlush?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={styles.card}>
      {title !== undefined && (
        <header className={styles.head}>
          <div>
            <h2>{title}</h2>
            {note !== undefined && <p className={styles.note}>{note}</p>}
          </div>
          {action}
        </header>
      )}
      <div className={isFlush ? (title === undefined ? '' : styles.flush) : styles.body}>{children}</div>
    </section>
  );
}
