import { LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useSignOut } from '../api/session.ts';
import { useIsLive } from '../live/live-context.ts';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { Time } from '../ui/time.tsx';
import { useNotedSearch } from './last-search.ts';
import { Logo } from './logo.tsx';
import { isWithin, placesOf } from './navigation.ts';
import { useSession } from './session-context.ts';
import styles from './shell.module.css';
import { ThemeSwitch } from './theme-switch.tsx';
import { useNavigationFocus } from './use-navigation-focus.ts';

/** What is around every page: where one is, where one can go, and as whom. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useSession();
  const [location] = useLocation();
  const main = useNavigationFocus(location);
  const isLive = useIsLive();
  useNotedSearch();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to content
      </a>
      <div className={styles.top}>
        <Logo />
        <div>
          <ThemeSwitch />
          <SignOut />
        </div>
      </div>
      <div className={styles.side}>
        <Link href="/" className={styles.brand ?? ''} aria-label="Postrider, overview">
          <Logo />
        </Link>
        <nav className={styles.nav} aria-label="Main">
          {placesOf(session).map(({ to, label, icon: Icon }) => (
            <Link
              key={to}
              href={to}
              className={styles.link ?? ''}
              title={label}
              {...(isWithin(location, to) ? { 'aria-current': 'page' as const } : {})}
            >
              <Icon aria-hidden />
              <span>{label}</span>
            </Link>
          ))}
        </nav>
        <div className={styles.foot}>
          <div className={styles.account}>
            <span className={styles.initial} aria-hidden>
              {session.account.name.charAt(0).toUpperCase()}
            </span>
            <div className={styles.who}>
              <div className={styles.name} title={session.account.name}>
                {session.account.name}
              </div>
              <div className={styles.via}>
                {session.via === 'portal_link' ? 'Portal link' : 'API key'}
                {session.read_only && ', read only'}
              </div>
            </div>
          </div>
          <div className={styles.tools}>
            <span className={styles.connection} data-live={isLive}>
              <span aria-hidden />
              {isLive ? 'Live' : 'Connecting …'}
            </span>
            <div>
              <ThemeSwitch />
              <SignOut />
            </div>
          </div>
        </div>
      </div>
      <main id="content" ref={main} tabIndex={-1} className={styles.main}>
        {session.via === 'portal_link' && (
          <div className={styles.notice}>
            <Banner tone="live" title={`You see the webhooks of ${session.account.name}`}>
              {session.read_only && 'You can look, not change. '}
              {session.expires_at !== null && (
                <>
                  This link ends <Time at={session.expires_at} />.
                </>
              )}
            </Banner>
          </div>
        )}
        {children}
      </main>
    </div>
  );
}

function SignOut() {
  const signOut = useSignOut();
  return (
    <Button kind="ghost" label="Sign out" onClick={() => signOut.mutate()}>
      <LogOut aria-hidden />
    </Button>
  );
}
