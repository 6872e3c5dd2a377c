import { Link2Off } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { useSignIn } from '../../api/session.ts';
import { Logo } from '../../layout/logo.tsx';
import { EmptyState } from '../../ui/states.tsx';
import styles from './sign-in.module.css';

/** Where a portal link leads: its token, which no server has seen as part of an address, becomes a session. */
export function PortalPage() {
  const { mutate, error } = useSignIn();
  const [, navigate] = useLocation();
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    document.title = 'Opening … · Postrider';
    if (token === '') return;
    // The token leaves the address bar and the history at once.
    window.history.replaceState(null, '', '/portal');
    mutate({ portal_token: token }, { onSuccess: () => navigate('/', { replace: true }) });
  }, [token, mutate, navigate]);
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Logo />
        <div className={styles.card}>
          {error === null && token !== '' ? (
            <p role="status">Opening …</p>
          ) : (
            <EmptyState icon={Link2Off} title="This link opens nothing">
              {error?.message ?? 'Open it as it was given to you: something of it is missing.'}
            </EmptyState>
          )}
        </div>
      </div>
    </main>
  );
}
