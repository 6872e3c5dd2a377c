import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import styles from './tabs.module.css';

/** Parts of a page, each with an address of its own. */
export function Tabs({ label, of }: { label: string; of: readonly { to: string; label: string }[] }) {
  const [location] = useLocation();
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each address another one is current
  useEffect(() => {
    // Where the window is narrow they do not all fit.
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [location]);
  return (
    <nav ref={nav} className={styles.tabs} aria-label={label}>
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
