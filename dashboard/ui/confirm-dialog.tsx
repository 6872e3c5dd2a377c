import type { ReactNode } from 'react';
import { ProblemBanner } from './banner.tsx';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

/** Asks before something that cannot be taken back. */
export function ConfirmDialog({
  title,
  confirm,
  isBusy,
  error,
  onClose,
  onConfirm,
  children,
}: {
  title: string;
  /** What the button does, in words. */
  confirm: string;
  isBusy: boolean;
  error: Error | null;
  onClose: () => void;
  onConfirm: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={onConfirm}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="danger" isBusy={isBusy}>
            {confirm}
          </Button>
        </>
      }
    >
      <div>{children}</div>
      <ProblemBanner error={error} />
    </Dialog>
  );
}
