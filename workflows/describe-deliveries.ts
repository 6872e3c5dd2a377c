import type { SettlementCounts, WaitingDelivery } from '../activities/settlement.ts';

const mostListed = 20;

/** Markdown for the workflow's page in the Temporal UI: what has ended, what waits and why. Ids and reasons only. */
export function describeDeliveries(settled: SettlementCounts, waiting: readonly WaitingDelivery[]): string {
  const counts = Object.entries(settled).map(([settlement, count]) => `${count} ${settlement}`);
  if (waiting.length > 0) counts.push(`${waiting.length} waiting for another attempt`);
  const lines = waiting
    .slice(0, mostListed)
    .map(({ delivery_id, webhook_id, reason }) => `\`${delivery_id}\` to \`${webhook_id}\`: ${reason}`);
  if (waiting.length > mostListed) lines.push(`and ${waiting.length - mostListed} more`);
  // As list items: the page runs other lines together.
  return [counts.join(', ') || 'nothing to deliver', ...lines].map((line) => `- ${line}`).join('\n');
}
