import { SlidersHorizontal } from 'lucide-react';
import { fieldOfMoment, momentOfField } from '../format/time.ts';
import { Button } from './button.tsx';
import { FilterInput, FilterSelect } from './filter-bar.tsx';

/** Any event type, or one of those that are known. */
export function EventTypeFilter({
  value,
  types,
  onChange,
}: {
  value: string | undefined;
  types: readonly { name: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <FilterSelect label="Event type" value={value ?? ''} onChange={onChange}>
      <option value="">Any event type</option>
      {/* Of a link, or as long as the types are on their way. */}
      {value !== undefined && !types.some(({ name }) => name === value) && (
        <option value={value}>{value}</option>
      )}
      {types.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </FilterSelect>
  );
}

export function ChannelFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <FilterInput label="Channel" size={14} value={value} onChange={(event) => onChange(event.target.value)} />
  );
}

/** From one moment to another; both are RFC 3339. */
export function TimeFilter({
  since,
  until,
  onChange,
}: {
  since: string | undefined;
  until: string | undefined;
  onChange: (name: 'since' | 'until', moment: ReturnType<typeof momentOfField>) => void;
}) {
  return (
    <>
      <FilterInput
        label="From"
        type="datetime-local"
        value={fieldOfMoment(since)}
        onChange={(event) => onChange('since', momentOfField(event.target.value))}
      />
      <FilterInput
        label="To"
        type="datetime-local"
        value={fieldOfMoment(until)}
        onChange={(event) => onChange('until', momentOfField(event.target.value))}
      />
    </>
  );
}

/** Shows the filters that are wanted now and then. */
export function MoreFilters({
  isShown,
  onChange,
}: {
  isShown: boolean;
  onChange: (isShown: boolean) => void;
}) {
  return (
    <Button aria-expanded={isShown} onClick={() => onChange(!isShown)}>
      <SlidersHorizontal aria-hidden />
      More
    </Button>
  );
}
