import { Plus, Shapes } from 'lucide-react';
import { useState } from 'react';
import { useEventTypes } from '../../api/events.ts';
import type { EventType } from '../../api/types.ts';
import { useSession } from '../../layout/session-context.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Json } from '../../ui/code.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { EventTypeDialog } from './event-type-dialog.tsx';
import styles from './settings.module.css';

const sources = { built_in: 'Built in', own: 'Own', seen: 'Seen' } as const;

export function EventTypesPart() {
  const types = useEventTypes({ isWatched: true });
  const { via } = useSession();
  const canWrite = via === 'api_key';
  const [edited, setEdited] = useState<EventType | 'new'>();
  return (
    <>
      <Card
        title="Event types"
        note={`${canWrite ? 'What producers may post' : 'What webhooks can be sent'}, with an example and, where there is one, the schema that data must fit.`}
        isFlush
        action={
          canWrite && (
            <Button kind="primary" onClick={() => setEdited('new')}>
              <Plus aria-hidden />
              Describe a type
            </Button>
          )
        }
      >
        {types.isPending ? (
          <LoadingRows />
        ) : types.isLoadingError ? (
          <ErrorState error={types.error} onRetry={() => void types.refetch()} />
        ) : types.data.length === 0 ? (
          <EmptyState icon={Shapes} title="No event types" />
        ) : (
          types.data.map((type) => (
            <details key={type.name} className={styles.type}>
              <summary>
                <span className={styles.typeName}>{type.name}</span>
                <span className={styles.typeNote}>{type.description}</span>
                {type.schema !== null && <Badge tone="live">Schema</Badge>}
                <Badge tone={type.source === 'own' ? 'good' : 'idle'}>{sources[type.source]}</Badge>
              </summary>
              <div className={styles.typeBody}>
                {type.example !== null && <Json value={type.example} label="Example data" />}
                {type.schema !== null && <Json value={type.schema} label="Schema" />}
                {type.example === null && type.schema === null && <p>Nobody has described it yet.</p>}
                {canWrite && (
                  <div>
                    <Button size="small" onClick={() => setEdited(type)}>
                      {type.source === 'own' ? 'Edit' : 'Describe'}
                      <span className="visually-hidden"> {type.name}</span>
                    </Button>
                  </div>
                )}
              </div>
            </details>
          ))
        )}
      </Card>
      {edited !== undefined && (
        <EventTypeDialog
          {...(edited === 'new' ? {} : { type: edited })}
          onClose={() => setEdited(undefined)}
        />
      )}
    </>
  );
}
