import { useSearchParams } from 'wouter';
import type { EventFilter } from '../../api/events.ts';

const names = ['type', 'channel', 'status', 'since', 'until', 'q'] as const;

/** The filter as the page's address says it. */
export function useEventFilter() {
  const [search, setSearch] = useSearchParams();
  const filter: EventFilter = {};
  for (const name of names) {
    const value = search.get(name);
    if (value) filter[name] = value;
  }
  return {
    filter,
    isNarrowed: Object.keys(filter).length > 0,
    set: (name: (typeof names)[number], value: string | undefined) =>
      setSearch(
        (before) => {
          if (value) before.set(name, value);
          else before.delete(name);
          return before;
        },
        { replace: true },
      ),
    clear: () => setSearch({}, { replace: true }),
  };
}
