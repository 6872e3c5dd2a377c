import { useSearchParams } from 'wouter';
import type { DeliveryFilter } from '../../api/deliveries.ts';

const names = ['status', 'webhook_id', 'type', 'channel', 'event_id', 'since', 'until', 'q'] as const;

export type FilterName = (typeof names)[number];

/** The filter as the page's address says it, so that it can be linked to and gone back to. */
export function useDeliveryFilter() {
  const [search, setSearch] = useSearchParams();
  const filter: DeliveryFilter = {};
  for (const name of names) {
    const value = search.get(name);
    if (value) filter[name] = value;
  }
  return {
    filter,
    isNarrowed: Object.keys(filter).length > 0,
    set: (name: FilterName, value: string | undefined) =>
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
