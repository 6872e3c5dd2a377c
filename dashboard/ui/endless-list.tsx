import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';
import styles from './endless-list.module.css';
import { type Column, Rows } from './rows.tsx';

/** So many rows before the last one comes into sight, the next page is asked for. */
const rowsAhead = 15;

/** How high the rows of each address of this visit were, so that the window is exactly where it was after going back. */
const measured = new Map<string, VirtualItem[]>();

/**
 * A table without an end: only the rows in the window exist, the next page comes as one scrolls, or by the button. Where one
 * was is where one is after going back.
 */
export function EndlessList<Item>({
  label,
  columns,
  narrow,
  items,
  keyOf,
  rowHeight,
  hasMore,
  isLoadingMore,
  onMore,
  note,
  children,
}: {
  label: string;
  columns: readonly Column[];
  narrow?: string;
  items: readonly Item[];
  keyOf: (item: Item) => string;
  /** About how high a row is, in pixels. */
  rowHeight: number;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
  /** Stands at the end. */
  note?: ReactNode;
  children: (item: Item) => ReactNode;
}) {
  const [address] = useState(() => window.location.href);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (box.current !== null) setTop(box.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => (items[index] === undefined ? index : keyOf(items[index])),
    initialMeasurementsCache: measured.get(address) ?? [],
  });
  useEffect(() => () => void measured.set(address, virtual.takeSnapshot()), [address, virtual]);
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? -1;
  useEffect(() => {
    if (hasMore && !isLoadingMore && items.length > 0 && last >= items.length - rowsAhead) onMore();
  }, [hasMore, isLoadingMore, items.length, last, onMore]);
  return (
    <>
      <Rows label={label} columns={columns} {...(narrow === undefined ? {} : { narrow })}>
        <div ref={box} role="rowgroup" className={styles.box} style={{ height: virtual.getTotalSize() }}>
          {rows.map((row) => {
            const item = items[row.index];
            return item === undefined ? null : (
              <div
                key={row.key}
                ref={virtual.measureElement}
                data-index={row.index}
                className={styles.row}
                style={{ transform: `translateY(${row.start - top}px)` }}
              >
                {children(item)}
              </div>
            );
          })}
        </div>
      </Rows>
      {(hasMore || note !== undefined) && (
        <div className={styles.foot}>
          {note}
          {hasMore && (
            <Button size="small" kind="ghost" isBusy={isLoadingMore} onClick={onMore}>
              {isLoadingMore ? 'Loading …' : 'Load more'}
            </Button>
          )}
        </div>
      )}
    </>
  );
}
