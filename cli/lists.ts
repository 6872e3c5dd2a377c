import type { Options } from './command.ts';
import { UsageError } from './failures.ts';

export const limitOption = {
  limit: { type: 'string', short: 'n', value: '<n>', summary: 'so many at most (50)' },
} as const satisfies Options;

const mostPerPage = 250;

/** So many rows of a list, from as few pages as hold them. @throws UsageError for what is no number */
export async function takeRows<Row>(
  limit: string | undefined,
  list: (perPage: number) => AsyncIterable<Row>,
): Promise<Row[]> {
  const most = Number(limit ?? 50);
  if (!/^\d{1,6}$/.test(limit ?? '50') || most < 1)
    throw new UsageError('--limit must be a number, 1 at least');
  const rows: Row[] = [];
  for await (const row of list(Math.min(most, mostPerPage))) {
    rows.push(row);
    if (rows.length >= most) break;
  }
  return rows;
}
