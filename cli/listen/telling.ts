import type { Output } from '../output.ts';
import type { Forwarded } from './forwarder.ts';

export interface Beginning {
  json: boolean;
  webhookId: string;
  to: string;
  /** Shown once, where it was made. */
  secret: string | undefined;
}

/** Says where deliveries come from and go to: a line, or as JSON. */
export function tellBeginning(out: Output, { json, webhookId, to, secret }: Beginning): void {
  if (json) {
    const shown = secret === undefined ? {} : { secret };
    out.raw(`${JSON.stringify({ type: 'listening', webhook_id: webhookId, forward: to, ...shown })}\n`);
    return;
  }
  out.line(`${webhookId} → ${to}`);
  if (secret !== undefined) out.line(`signing secret: ${secret}`);
}

/** Says what became of one: a line, or as JSON. */
export function tellForwarded(
  out: Output,
  { pulled, answer, status, next_attempt_at }: Forwarded,
  json: boolean,
): void {
  const ms = Math.round(answer.durationMs);
  const answered = answer.kind === 'answered' ? answer.status : null;
  if (json) {
    const { delivery_id, event_id, event_type, attempt } = pulled;
    const error = answer.kind === 'failed' ? answer.reason : null;
    const at = new Date().toISOString();
    out.raw(
      `${JSON.stringify({ type: 'delivery', at, delivery_id, event_id, event_type, attempt, response_status: answered, error, duration_ms: ms, status, next_attempt_at })}\n`,
    );
    return;
  }
  const hasPlace = status !== null;
  const more = hasPlace ? again(next_attempt_at) : ' (somebody else was faster)';
  const isGood = answered !== null && answered >= 200 && answered <= 299;
  const result = answer.kind === 'answered' ? String(answer.status) : answer.detail;
  out.line(
    `${out.paint('dim', clock(new Date()))}  ${pulled.event_type.padEnd(24)}  ${pulled.event_id.padEnd(30)}  ${out.paint(isGood ? 'green' : 'red', result)}  ${ms} ms${more}`,
  );
}

function again(at: string | null): string {
  return at === null ? '' : `, again at ${clock(new Date(at))}`;
}

function clock(time: Date): string {
  return time.toTimeString().slice(0, 8);
}
