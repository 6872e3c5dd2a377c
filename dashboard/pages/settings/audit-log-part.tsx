import { ScrollText } from 'lucide-react';
import { useSearchParams } from 'wouter';
import { useAuditLog } from '../../api/settings.ts';
import type { AuditEntry } from '../../api/types.ts';
import { sentence } from '../../format/words.ts';
import { Card } from '../../ui/card.tsx';
import { EndlessList } from '../../ui/endless-list.tsx';
import { FilterBar, SearchBox } from '../../ui/filter-bar.tsx';
import { Cell, type Column, Row, rowStyles } from '../../ui/rows.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { useTyped } from '../../ui/use-typed.ts';

const columns: Column[] = [
  { name: 'What', width: 'minmax(0, 1.1fr)' },
  { name: 'To', width: 'minmax(0, 1.5fr)' },
  { name: 'Who', width: 'minmax(0, 1fr)' },
  { name: 'When', width: '110px', isEnd: true },
];

const rowHeight = 60;

/** Who did what, newest first. */
export function AuditLogPart() {
  const [search, setSearch] = useSearchParams();
  const subject = search.get('subject_id') ?? '';
  const [typed, setTyped] = useTyped(subject, (value) =>
    setSearch(value.trim() === '' ? {} : { subject_id: value.trim() }, { replace: true }),
  );
  const log = useAuditLog(subject === '' ? undefined : subject);
  const entries = log.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      <FilterBar>
        <SearchBox
          label="Id of what it was done to"
          placeholder="Id of a webhook, a delivery, a key"
          value={typed}
          onChange={setTyped}
        />
      </FilterBar>
      <Card isFlush>
        {log.isPending ? (
          <LoadingRows />
        ) : log.isLoadingError ? (
          <ErrorState error={log.error} onRetry={() => void log.refetch()} />
        ) : entries.length === 0 ? (
          <EmptyState icon={ScrollText} title="Nothing was done yet" />
        ) : (
          <EndlessList
            label="Audit log"
            columns={columns}
            items={entries}
            keyOf={({ id }) => id}
            rowHeight={rowHeight}
            hasMore={log.hasNextPage}
            isLoadingMore={log.isFetchingNextPage}
            onMore={() => void log.fetchNextPage()}
          >
            {(entry) => <EntryRow entry={entry} />}
          </EndlessList>
        )}
      </Card>
    </>
  );
}

function EntryRow({
  entry: { action, subject_id, reason, details, actor, created_at },
}: {
  entry: AuditEntry;
}) {
  return (
    <Row isLinked={false}>
      <Cell>
        <span className={rowStyles.line}>{actionInWords(action)}</span>
        {reason !== null && (
          <span className={rowStyles.note} title={reason}>
            {reason}
          </span>
        )}
      </Cell>
      <Cell narrowOrder={2}>
        <code className={rowStyles.line}>{subject_id}</code>
        {details !== null && (
          <span className={rowStyles.note} title={detailsInWords(details)}>
            {detailsInWords(details)}
          </span>
        )}
      </Cell>
      <Cell narrowOrder={3}>
        <span className={rowStyles.line}>{whoIs(actor)}</span>
      </Cell>
      <Cell isEnd narrowOrder={1}>
        <span className={rowStyles.note}>
          <Time at={created_at} />
        </span>
      </Cell>
    </Row>
  );
}

function actionInWords(action: string): string {
  return sentence(action.replace('.', ' ').replaceAll('_', ' ')).replace(/^Api /, 'API ');
}

function detailsInWords(details: NonNullable<AuditEntry['details']>): string {
  return Object.entries(details)
    .map(([name, value]) => {
      const text =
        Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : value;
      return `${name.replaceAll('_', ' ')}: ${typeof text === 'string' ? text : JSON.stringify(text)}`;
    })
    .join(' · ');
}

function whoIs({ kind, name, id }: AuditEntry['actor']): string {
  if (kind === 'postrider') return 'Postrider';
  if (kind === 'signal') return name ?? 'A signal to its workflow';
  return name ?? id ?? 'A portal link';
}
