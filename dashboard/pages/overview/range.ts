import { useSearchParams } from 'wouter';
import type { StatsRange } from '../../api/types.ts';

export const ranges: readonly { value: StatsRange; label: string }[] = [
  { value: '1h', label: '1 h' },
  { value: '24h', label: '24 h' },
  { value: '7d', label: '7 d' },
];

/** The time span that a page shows, as its address says. */
export function useRange(): [StatsRange, (range: StatsRange) => void] {
  const [search, setSearch] = useSearchParams();
  const given = search.get('range');
  const range = ranges.find(({ value }) => value === given)?.value ?? '24h';
  return [range, (value) => setSearch({ range: value }, { replace: true })];
}
