/** Headers as any of the frameworks has them: `Headers`, or an object by names. */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads headers by their names in lower case; undefined for what is not there, or there more than once. */
export function headerReader(headers: HeadersLike): (name: string) => string | undefined {
  if (typeof headers.get === 'function') {
    const { get } = headers;
    return (name) => get.call(headers, name) ?? undefined;
  }
  const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    const value = values.get(name);
    return typeof value === 'string' ? value : undefined;
  };
}
