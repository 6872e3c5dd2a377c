import { type SQL, StringChunk, sql } from 'drizzle-orm';

/**
 * `unnest($1::uuid[], …)`: many rows as one parameter a column, so that a grouped write is one statement of fixed text.
 * `columns` names each column's SQL type and takes its value from a row. Values are bound, never spliced; names are the code's own.
 * Each array comes by a subselect, as in `listOf`, but the whole is made of as few pieces as it can be: drizzle looks at each, which was a twentieth of the time of a process that takes lone events.
 */
export function unnest<Row>(
  rows: readonly Row[],
  columns: Record<string, [type: ScalarType, value: (row: Row, position: number) => Value]>,
): SQL {
  const made = sql.empty();
  let text = 'unnest(';
  for (const [type, value] of Object.values(columns)) {
    made.queryChunks.push(new StringChunk(`${text}(select `), sql.param(rows.map(value)));
    text = `::${type}[]), `;
  }
  const names = Object.keys(columns).map((name) => `"${name}"`);
  made.queryChunks.push(new StringChunk(`${text.slice(0, -2)}) as input(${names.join(', ')})`));
  return made;
}

/** `any($1::uuid[])`: for `=`, where the statement is to be of fixed text. */
export function anyOf(values: readonly Value[], type: ScalarType): SQL {
  return sql`any(${listOf(values, type)}::${sql.raw(type)}[])`;
}

/**
 * One array as a parameter, by a subselect, which hides its length from the planner. Seeing that there are two values and not ten,
 * PostgreSQL would think a plan for just these cheaper than the one it keeps, and make one at every execution: 0.7 ms for a lone
 * event.
 */
function listOf(values: readonly Value[], type: ScalarType): SQL {
  return sql`(select ${sql.param(values)}::${sql.raw(type)}[])`;
}

type Value = string | number | boolean | null;

/** Types whose arrays both drivers bind alike; others travel as text and are cast in the statement. */
type ScalarType = 'uuid' | 'text' | 'int' | 'boolean';
