import { type SQL, sql } from 'drizzle-orm';

/**
 * `unnest($1::uuid[], …)`: many rows as one parameter a column, so that a grouped write is one statement of fixed text.
 * `columns` names each column's SQL type and takes its value from a row. Values are bound, never spliced.
 */
export function unnest<Row>(
  rows: readonly Row[],
  columns: Record<string, [type: ScalarType, value: (row: Row, position: number) => Value]>,
): SQL {
  const arrays = Object.values(columns).map(([type, value]) => listOf(rows.map(value), type));
  const names = Object.keys(columns).map((name) => sql.identifier(name));
  return sql`unnest(${sql.join(arrays, sql`, `)}) as input(${sql.join(names, sql`, `)})`;
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
