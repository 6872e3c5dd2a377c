import { SearchX } from 'lucide-react';
import type { ReactNode } from 'react';
import { exactTime } from '../format/time.ts';
import { Button } from './button.tsx';
import { EndlessList } from './endless-list.tsx';
import type { Column } from './rows.tsx';
import { EmptyState, ErrorState, LoadingRows } from './states.tsx';

const rowHeight = 60;

/** What a search is asked for, page by page: what of TanStack Query's answer a list shows. */
interface Search<Item> {
  isPending: boolean;
  error: Error | null;
  data: { pages: readonly { data: readonly Item[]; searched_until?: string | undefined }[] } | undefined;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

/** What a search has found, newest first, however much; it says how far back was searched. */
export function SearchedList<Item extends { id: string }>({
  label,
  columns,
  narrow,
  list,
  isNarrowed,
  onClear,
  noneLike,
  noneYet,
  children,
}: {
  label: string;
  columns: readonly Column[];
  narrow?: string;
  list: Search<Item>;
  isNarrowed: boolean;
  onClear: () => void;
  /** Said when nothing fits the filter. */
  noneLike: string;
  /** Stands where there is nothing at all. */
  noneYet: ReactNode;
  children: (item: Item) => ReactNode;
}) {
  if (list.isPending) return <LoadingRows rows={8} />;
  if (list.data === undefined) {
    const error = list.error ?? new Error('Nothing was answered');
    return <ErrorState error={error} onRetry={() => void list.refetch()} />;
  }
  const items = list.data.pages.flatMap((page) => page.data);
  const searchedUntil = list.data.pages.at(-1)?.searched_until;
  const searched = searchedUntil === undefined ? undefined : `Searched back to ${exactTime(searchedUntil)}.`;
  if (items.length === 0 && !list.hasNextPage) {
    if (!isNarrowed) return noneYet;
    return (
      <EmptyState icon={SearchX} title={noneLike} action={<Button onClick={onClear}>Show all</Button>}>
        {searched}
      </EmptyState>
    );
  }
  return (
    <EndlessList
      label={label}
      columns={columns}
      {...(narrow === undefined ? {} : { narrow })}
      items={items}
      keyOf={({ id }) => id}
      rowHeight={rowHeight}
      hasMore={list.hasNextPage}
      isLoadingMore={list.isFetchingNextPage}
      onMore={() => void list.fetchNextPage()}
      note={searched}
    >
      {children}
    </EndlessList>
  );
}
