import { Eye, EyeOff, RotateCcwKey } from 'lucide-react';
import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useRevealSecret } from '../../api/webhooks.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { RotateDialog } from './rotate-dialog.tsx';
import styles from './webhooks.module.css';

/** The signing secret: hidden until someone asks for it. */
export function SecretCard({ webhook }: { webhook: Webhook }) {
  const reveal = useRevealSecret(webhook.id);
  const [isRotating, setIsRotating] = useState(false);
  return (
    <Card
      title="Signing secret"
      note="Receivers verify with it that a request is ours."
      action={
        <Button size="small" onClick={() => setIsRotating(true)}>
          <RotateCcwKey aria-hidden />
          Rotate
        </Button>
      }
    >
      <div className={styles.stack}>
        <div className={styles.secret}>
          <code data-testid="secret">{reveal.data?.secret ?? 'whsec_••••••••••••••••••••••••'}</code>
          {reveal.data === undefined ? (
            <Button kind="ghost" size="small" label="Reveal the secret" onClick={() => reveal.mutate()}>
              <Eye aria-hidden />
            </Button>
          ) : (
            <>
              <CopyButton text={reveal.data.secret} label="Copy the secret" isBare />
              <Button kind="ghost" size="small" label="Hide the secret" onClick={() => reveal.reset()}>
                <EyeOff aria-hidden />
              </Button>
            </>
          )}
        </div>
        {reveal.data?.public_key && (
          <div className={styles.secret}>
            <code>{reveal.data.public_key}</code>
            <CopyButton text={reveal.data.public_key} label="Copy the public key" isBare />
          </div>
        )}
        <ProblemBanner error={reveal.error} />
      </div>
      {isRotating && (
        <RotateDialog
          webhook={webhook}
          onClose={() => {
            setIsRotating(false);
            reveal.reset();
          }}
        />
      )}
    </Card>
  );
}
