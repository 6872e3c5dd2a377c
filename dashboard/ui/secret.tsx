import type { ReactNode } from 'react';
import { CopyButton } from './copy-button.tsx';
import styles from './secret.module.css';

/** Text to be copied rather than read: a key, a secret, a link. */
export function Secret({
  text,
  what,
  testId,
  action,
}: {
  text: string;
  /** Said after "Copy the"; not to be copied without it. */
  what?: string;
  testId?: string;
  action?: ReactNode;
}) {
  return (
    <div className={styles.secret}>
      <code data-testid={testId}>{text}</code>
      {what !== undefined && <CopyButton text={text} label={`Copy the ${what}`} isBare />}
      {action}
    </div>
  );
}
