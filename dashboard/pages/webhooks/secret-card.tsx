import { Eye, EyeOff, RotateCcwKey } from 'lucide-react';
import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useRevealSecret } from '../../api/webhooks.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import layout from '../../ui/layout.module.css';
import { Secret } from '../../ui/secret.tsx';
import { RotateDialog } from './rotate-dialog.tsx';

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
      <div className={layout.stack}>
        {reveal.data === undefined ? (
          <Secret
            text="whsec_••••••••••••••••••••••••"
            testId="secret"
            action={
              <Button kind="ghost" size="small" label="Reveal the secret" onClick={() => reveal.mutate()}>
                <Eye aria-hidden />
              </Button>
            }
          />
        ) : (
          <Secret
            text={reveal.data.secret}
            what="secret"
            testId="secret"
            action={
              <Button kind="ghost" size="small" label="Hide the secret" onClick={() => reveal.reset()}>
                <EyeOff aria-hidden />
              </Button>
            }
          />
        )}
        {reveal.data?.public_key && <Secret text={reveal.data.public_key} what="public key" />}
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
