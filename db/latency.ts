/**
 * Latencies are counted in classes, each a quarter longer than the one before (a factor of ∛2): class 0 holds up to 1 ms,
 * class n up to 2^(n/3) ms. A percentile made of the counts is therefore right to within a quarter.
 */
export const mostLatencyClass = 60;

/** The longest that a class holds, in ms. */
export function latencyBound(latencyClass: number): number {
  return 2 ** (latencyClass / 3);
}

/** What so much of all took at most, in ms: `share` is 0.95 for the 95th percentile. Null when nothing was counted. */
export function percentile(counts: readonly number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let left = share * all;
  for (const [latencyClass, count] of counts.entries()) {
    if (count >= left && count > 0) {
      const lower = latencyClass === 0 ? 0 : latencyBound(latencyClass - 1);
      return Math.round(lower + (latencyBound(latencyClass) - lower) * (left / count));
    }
    left -= count;
  }
  return Math.round(latencyBound(counts.length - 1));
}

/** The counts of both together. */
export function addCounts(a: readonly number[], b: readonly number[]): number[] {
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, index) => (a[index] ?? 0) + (b[index] ?? 0),
  );
}
