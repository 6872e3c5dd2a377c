/** The content type of what `/metrics` answers: Prometheus's text format. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * One exposition made of several: each metric with its head once and all of its series together, as the format wants it. No
 * two of them may have the same series.
 */
export function mergeExpositions(texts: readonly string[]): string {
  const metrics = new Map<string, { heads: Map<string, string>; series: string[] }>();
  for (const text of texts) {
    let current: { heads: Map<string, string>; series: string[] } | undefined;
    for (const line of text.split('\n')) {
      const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (kind !== undefined && name !== undefined) {
        current = metrics.get(name) ?? { heads: new Map(), series: [] };
        metrics.set(name, current);
        if (!current.heads.has(kind)) current.heads.set(kind, line);
      } else if (line !== '' && !line.startsWith('#')) current?.series.push(line);
    }
  }
  return [...metrics.values()]
    .filter(({ series }) => series.length > 0)
    .map(({ heads, series }) => `${[...heads.values(), ...series].join('\n')}\n`)
    .join('');
}
