import type { ReactNode } from 'react';
import styles from './webhooks.module.css';

/** Fields that few webhooks need: closed until they are wanted, with what is set in them beside the title. */
export function FormSection({
  title,
  note,
  isOpen,
  children,
}: {
  title: string;
  note: string;
  /** Once it is, it opens; whoever closes it again may. */
  isOpen: boolean;
  children: ReactNode;
}) {
  return (
    <details className={styles.details} open={isOpen || undefined}>
      <summary>
        <span className={styles.sectionTitle}>{title}</span>
        <span className={styles.sectionNote}>{note}</span>
      </summary>
      <div className={styles.detailsBody}>{children}</div>
    </details>
  );
}

/** Whether something is wrong in any of these places. */
export function isAnyWrong(
  problemAt: (pointer: string) => string | undefined,
  ...pointers: string[]
): boolean {
  return pointers.some((pointer) => problemAt(pointer) !== undefined);
}
