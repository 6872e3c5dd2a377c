import { X } from 'lucide-react';
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react';
import { Button } from './button.tsx';
import styles from './dialog.module.css';

/**
 * The browser's own modal dialog: it keeps the focus within, gives it back, and closes on Escape. With `onSubmit` its content
 * is a form.
 */
export function Dialog({
  title,
  isWide = false,
  onClose,
  onSubmit,
  footer,
  children,
}: {
  title: string;
  isWide?: boolean;
  onClose: () => void;
  onSubmit?: () => void;
  footer?: ReactNode;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  const content = (
    <>
      <div className={styles.head}>
        <h2 id={titleId}>{title}</h2>
        <Button kind="ghost" label="Close" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </div>
      <div className={styles.body}>{children}</div>
      {footer && <div className={styles.foot}>{footer}</div>}
    </>
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog
      ref={ref}
      className={`${styles.dialog} ${isWide ? styles.wide : ''}`}
      aria-labelledby={titleId}
      onClose={onClose}
    >
      {onSubmit === undefined ? (
        content
      ) : (
        <form noValidate onSubmit={submit}>
          {content}
        </form>
      )}
    </dialog>
  );
}
