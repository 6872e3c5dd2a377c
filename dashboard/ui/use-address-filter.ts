import { useSearchParams } from 'wouter';

/** A list's filter as the page's address says it, so that it can be linked to and gone back to. */
export function useAddressFilter<Name extends string>(names: readonly Name[]) {
  const [search, setSearch] = useSearchParams();
  const filter: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = search.get(name);
    if (value) filter[name] = value;
  }
  return {
    filter,
    isNarrowed: Object.keys(filter).length > 0,
    set: (name: Name, value: string | undefined) =>
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
