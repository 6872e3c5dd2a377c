import { KeyRound, Plus } from 'lucide-react';
import { useState } from 'react';
import { useApiKeys, useRevokeApiKey } from '../../api/settings.ts';
import type { ApiKey } from '../../api/types.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Badge, Chip } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import layout from '../../ui/layout.module.css';
import { Cell, type Column, Row, Rows, rowStyles } from '../../ui/rows.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { useSay } from '../../ui/toasts.tsx';
import { NewKeyDialog } from './new-key-dialog.tsx';

const columns: Column[] = [
  { name: 'Key', width: 'minmax(0, 1.2fr)' },
  { name: 'May', width: 'minmax(0, 1.4fr)' },
  { name: 'Last used', width: '110px' },
  { name: 'Created', width: '110px' },
  { name: '', width: '96px', isEnd: true },
];

export function ApiKeysPart() {
  const keys = useApiKeys();
  const canWrite = useCanWrite();
  const [isMaking, setIsMaking] = useState(false);
  return (
    <>
      <Card
        title="API keys"
        note="Producers and programs use them, and people sign in here with them."
        isFlush
        action={
          canWrite && (
            <Button kind="primary" onClick={() => setIsMaking(true)}>
              <Plus aria-hidden />
              Create key
            </Button>
          )
        }
      >
        {keys.isPending ? (
          <LoadingRows rows={3} />
        ) : keys.isLoadingError ? (
          <ErrorState error={keys.error} onRetry={() => void keys.refetch()} />
        ) : keys.data.length === 0 ? (
          <EmptyState icon={KeyRound} title="No API keys" />
        ) : (
          <Rows label="API keys" columns={columns}>
            {keys.data.map((key) => (
              <KeyRow key={key.id} apiKey={key} canWrite={canWrite} />
            ))}
          </Rows>
        )}
      </Card>
      {isMaking && <NewKeyDialog onClose={() => setIsMaking(false)} />}
    </>
  );
}

function KeyRow({ apiKey, canWrite }: { apiKey: ApiKey; canWrite: boolean }) {
  const revoke = useRevokeApiKey();
  const say = useSay();
  const [isAsking, setIsAsking] = useState(false);
  const { id, name, hint, scopes, created_at, last_used_at, expires_at, revoked_at } = apiKey;
  const close = () => setIsAsking(false);
  return (
    <Row isLinked={false}>
      <Cell>
        <span className={rowStyles.line}>{name}</span>
        <span className={rowStyles.note}>
          <code>pk_…{hint}</code>
          {expires_at && (
            <>
              , ends <Time at={expires_at} />
            </>
          )}
        </span>
      </Cell>
      <Cell narrowOrder={2}>
        <span className={layout.chips}>
          {scopes.map((scope) => (
            <Chip key={scope}>{scope}</Chip>
          ))}
        </span>
      </Cell>
      <Cell isWideOnly>
        <span className={rowStyles.note}>{last_used_at ? <Time at={last_used_at} /> : 'Never'}</span>
      </Cell>
      <Cell isWideOnly>
        <span className={rowStyles.note}>
          <Time at={created_at} />
        </span>
      </Cell>
      <Cell isEnd>
        {revoked_at !== null ? (
          <Badge tone="idle">Revoked</Badge>
        ) : (
          canWrite && (
            <Button size="small" onClick={() => setIsAsking(true)}>
              Revoke<span className="visually-hidden"> {name}</span>
            </Button>
          )
        )}
        {isAsking && (
          <ConfirmDialog
            title={`Revoke ${name}?`}
            confirm="Revoke"
            isBusy={revoke.isPending}
            error={revoke.error}
            onClose={close}
            onConfirm={() =>
              revoke.mutate(id, {
                onSuccess: () => {
                  say.done('The key is revoked');
                  close();
                },
              })
            }
          >
            Whatever uses it is refused from now on, and whoever has signed in with it is signed out.
          </ConfirmDialog>
        )}
      </Cell>
    </Row>
  );
}
