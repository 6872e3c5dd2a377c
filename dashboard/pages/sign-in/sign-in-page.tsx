import { type FormEvent, useEffect, useState } from 'react';
import { useSignIn } from '../../api/session.ts';
import { Logo } from '../../layout/logo.tsx';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import styles from './sign-in.module.css';

/** An API key is exchanged for a session, whose cookie scripts cannot read; the key itself is kept nowhere. */
export function SignInPage() {
  const [key, setKey] = useState('');
  const signIn = useSignIn();
  useEffect(() => {
    document.title = 'Sign in · Postrider';
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() !== '') signIn.mutate({ api_key: key.trim() });
  };
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Logo />
        <form className={styles.card} onSubmit={submit} noValidate>
          <div>
            <h1>Sign in</h1>
            <p className={styles.note}>See what your webhooks are doing.</p>
          </div>
          <TextField
            label="API key"
            type="password"
            autoComplete="current-password"
            autoFocus
            required
            isMono
            placeholder="pk_…"
            value={key}
            onChange={(event) => setKey(event.target.value)}
            hint="The first key was printed when Postrider was started for the first time."
          />
          <ProblemBanner error={signIn.error} />
          <Button type="submit" kind="primary" isBusy={signIn.isPending}>
            Sign in
          </Button>
        </form>
        <p className={styles.foot}>
          <a href="/docs">API documentation</a>
        </p>
      </div>
    </main>
  );
}
