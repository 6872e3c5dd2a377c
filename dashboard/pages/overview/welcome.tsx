import { Webhook } from 'lucide-react';
import { useCanWrite } from '../../layout/session-context.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { EmptyState } from '../../ui/states.tsx';

/** What an account sees that has no webhook yet. */
export function Welcome() {
  const canWrite = useCanWrite();
  return (
    <Card>
      <EmptyState
        icon={Webhook}
        title="No webhooks yet"
        action={
          canWrite && (
            <ButtonLink to="/webhooks/new" kind="primary">
              Create a webhook
            </ButtonLink>
          )
        }
      >
        A webhook tells Postrider where to send which events. Create the first one, and send it a test event.
      </EmptyState>
    </Card>
  );
}
