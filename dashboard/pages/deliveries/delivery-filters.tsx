import { deliveryWords } from '../../format/words.ts';
import { FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';

export function PayloadSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const label = 'Text in the payload';
  return <SearchBox label={label} placeholder={label} value={value} onChange={onChange} />;
}

export function StatusFilter({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <FilterSelect label="Status" value={value ?? ''} onChange={onChange}>
      <option value="">Any status</option>
      {/* As the badge of such a delivery says. */}
      <option value="failing">Retrying</option>
      {Object.entries(deliveryWords).map(([status, words]) => (
        <option key={status} value={status}>
          {words}
        </option>
      ))}
    </FilterSelect>
  );
}
