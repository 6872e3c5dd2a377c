import { ChevronLeft } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'wouter';
import { asLeft } from '../layout/last-search.ts';
import styles from './page-header.module.css';

/** The top of a page; its title is also the tab's. */
export function PageHeader({
  title,
  badge,
  note,
  back,
  actions,
}: {
  title: string;
  badge?: ReactNode;
  note?: ReactNode;
  back?: { to: string; label: string };
  actions?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Postrider`;
  }, [title]);
  return (
    <header className={styles.header}>
      <div className={styles.titles}>
        {back && (
          <Link href={asLeft(back.to)} className={styles.back ?? ''}>
            <ChevronLeft aria-hidden />
            {back.label}
          </Link>
        )}
        <div className={styles.title}>
          <h1>{title}</h1>
          {badge}
        </div>
        {note !== undefined && <div className={styles.note}>{note}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
  );
}
