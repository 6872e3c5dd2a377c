import { useEffect } from 'react';
import { useLocation, useSearch } from 'wouter';

/** How each page of this visit was narrowed when one left it. */
const searches = new Map<string, string>();

/** Notes how the page that is shown is narrowed. */
export function useNotedSearch(): void {
  const [location] = useLocation();
  const search = useSearch();
  useEffect(() => {
    searches.set(location, search);
  }, [location, search]);
}

/** The address of a page as one left it. */
export function asLeft(path: string): string {
  const search = searches.get(path);
  return search ? `${path}?${search}` : path;
}
