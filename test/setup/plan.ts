import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import { type Database, selectRows } from '../../db/database.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What a statement, run for real, read of the tables whose names begin like that. */
export async function readBy(
  db: Database,
  statement: SQL,
  tables: RegExp,
): Promise<{ rows: number; wholeTables: string[] }> {
  const [row] = await selectRows<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    db,
    sql`explain (analyze, format json) ${statement}`,
  );
  const nodes: PlanNode[] = [];
  const collect = (node: PlanNode) => {
    nodes.push(node);
    for (const child of node.Plans ?? []) collect(child);
  };
  if (row !== undefined) collect(row['QUERY PLAN'][0].Plan);
  const scans = nodes.filter((node) => tables.test(node['Relation Name'] ?? ''));
  if (scans.length === 0) throw new Error('the statement reads none of these tables');
  return {
    rows: scans.reduce((sum, node) => sum + rowsOf(node), 0),
    wholeTables: scans
      .filter((node) => node['Node Type'] === 'Seq Scan' && rowsOf(node) > 0)
      .map((node) => node['Relation Name'] ?? ''),
  };
}

function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Rows'] + removed) * node['Actual Loops'];
}
