/**
 * The value that `percent` of the sorted values do not exceed, by nearest rank: always one of the values. Undefined when
 * there are none.
 */
export function percentile(sorted: Float64Array, percent: number): number | undefined {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** What is reported of many latencies, in ms. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Undefined when there are none. Sorts what it is given. */
export function latenciesOf(values: Float64Array): Latencies | undefined {
  values.sort();
  const at = (percent: number) => percentile(values, percent);
  const [p50, p90, p99, p999, max] = [50, 90, 99, 99.9, 100].map(at);
  if (
    p50 === undefined ||
    p90 === undefined ||
    p99 === undefined ||
    p999 === undefined ||
    max === undefined
  ) {
    return undefined;
  }
  return { count: values.length, p50, p90, p99, p999, max };
}

/** Of two in the middle, the mean. Undefined when there are none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.ceil((sorted.length - 1) / 2)];
  return lower === undefined || upper === undefined ? undefined : (lower + upper) / 2;
}
