import { CircleCheck, Info, type LucideIcon, OctagonAlert, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import styles from './banner.module.css';

type BannerTone = 'bad' | 'warn' | 'live' | 'wait' | 'good';

const icons: Record<BannerTone, LucideIcon> = {
  bad: OctagonAlert,
  warn: TriangleAlert,
  live: Info,
  wait: Info,
  good: CircleCheck,
};

/** Something that whoever looks at the page should know first. */
export function Banner({
  tone,
  title,
  actions,
  children,
}: {
  tone: BannerTone;
  title: string;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  const Icon = icons[tone];
  return (
    <div className={`${styles.banner} ${styles[tone]}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon aria-hidden />
      <div className={styles.text}>
        <strong>{title}</strong>
        {children !== undefined && <div>{children}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

/** What went wrong with something that was asked for here. */
export function ProblemBanner({ error }: { error: Error | null }) {
  return error === null ? null : <Banner tone="bad" title={error.message} />;
}
