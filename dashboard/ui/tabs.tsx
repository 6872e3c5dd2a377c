import { Link, useLocation } from 'wouter';
import styles from './tabs.module.css';

/** Parts of a page, each with an address of its own. */
export function Tabs({ label, of }: { label: string; of: readonly { to: string; label: string }[] }) {
  const [location] = useLocation();
  return (
    <nav className={styles.tabs} aria-label={label}>
      {of.map((tab) => (
        <Link
          key={tab.to}
          href={tab.to}
          className={styles.tab ?? ''}
          {...(location === tab.to ? { 'aria-current': 'page' as const } : {})}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
