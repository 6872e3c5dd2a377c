import { type Outcome, problemsOf, resultOf } from './outcome.ts';

/** A line for each delivery, with its attempts: how each ended, and how long after the one before it came. */
export function deliveryTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap((outcome) =>
    outcome.deliveries.map((delivery) => [
      outcome.eventId,
      outcome.event.request.type,
      outcome.event.webhook.name,
      delivery.status,
      attemptsOf(delivery),
      problemsOf(outcome).length === 0 ? 'yes' : 'NO',
    ]),
  );
  return table([['EVENT', 'TYPE', 'WEBHOOK', 'STATUS', 'ATTEMPTS', 'AS DOCUMENTED'], ...rows]);
}

function attemptsOf({ attempts }: Outcome['deliveries'][number]): string {
  return attempts
    .map((attempt, index) => {
      const before = attempts[index - 1];
      if (before === undefined) return resultOf(attempt);
      const waitedMs = Date.parse(attempt.started_at) - Date.parse(before.started_at) - before.duration_ms;
      return `${(waitedMs / 1000).toFixed(1)} s → ${resultOf(attempt)}`;
    })
    .join(' → ');
}

/** Each workflow with its page in the Temporal UI. */
export function workflowLinks(outcomes: readonly Outcome[], temporalUiUrl: string): string {
  const ids = outcomes.flatMap(({ deliveries }) => deliveries.map(({ workflow_id }) => workflow_id));
  return [...new Set(ids)]
    .map((id) => `  ${temporalUiUrl}/namespaces/default/workflows/${encodeURIComponent(id)}`)
    .join('\n');
}

/** Columns wide enough for their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
