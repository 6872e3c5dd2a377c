import { deliveryWords } from '../../format/words.ts';
import { FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';

/** What waits after a failed attempt is called as its badge says. */
const words: Record<string, string> = { failing: 'Retrying', ...deliveryWords };

const searchLabel = 'Text in the payload';

export function PayloadSearch({
  placeholder = searchLabel,
  value,
  onChange,
}: {
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return <SearchBox label={searchLabel} placeholder={placeholder} value={value} onChange={onChange} />;
}

export function StatusFilter({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  // A link may name several.
  const several = value?.includes(',')
    ? value
        .split(',')
        .map((status) => words[status] ?? status)
        .join(' or ')
    : undefined;
  return (
    <FilterSelect label="Status" value={value ?? ''} onChange={onChange}>
      <option value="">Any status</option>
      {several !== undefined && <option value={value}>{several}</option>}
      {Object.entries(words).map(([status, name]) => (
        <option key={status} value={status}>
          {name}
        </option>
      ))}
    </FilterSelect>
  );
}
