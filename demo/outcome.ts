import type { Attempt, Delivery } from './api.ts';
import type { Arrival } from './receiver.ts';
import type { DemoEvent } from './scenario.ts';

/** What became of an event: its deliveries by the API, and what the receiver got of them. */
export interface Outcome {
  readonly event: DemoEvent;
  readonly eventId: string;
  readonly webhookId: string;
  readonly deliveries: readonly (Delivery & { readonly attempts: readonly Attempt[] })[];
  readonly arrivals: readonly Arrival[];
}

/** A status, or why there was none. */
export function resultOf({ response_status, reason }: Attempt): string {
  return response_status === null ? (reason ?? 'nothing') : `${response_status}`;
}

/**
 * Everything in which an event's outcome is not what the document and its receiver's behaviour call for. Where the receiver
 * refused it, that explains the rest.
 */
export function problemsOf({ event, eventId, webhookId, deliveries, arrivals }: Outcome): string[] {
  const refusals = [...new Set(arrivals.flatMap(({ refusal }) => refusal ?? []))];
  if (refusals.length > 0) return refusals;
  const [delivery, ...others] = deliveries;
  if (delivery === undefined || others.length > 0) {
    return [`it has ${deliveries.length} deliveries, and one was expected`];
  }
  const expected = [...event.webhook.answers, 200].map(String).join(', ');
  const attempted = delivery.attempts.map(resultOf).join(', ');
  const bodies = new Set(arrivals.map(({ body }) => body));
  return [
    ...(delivery.webhook_id === webhookId ? [] : ['its delivery is to another webhook']),
    ...(delivery.status === 'succeeded' ? [] : [`its delivery is ${delivery.status}`]),
    ...(attempted === expected ? [] : [`its attempts ended with ${attempted || 'nothing'}, not ${expected}`]),
    ...(arrivals.length === event.webhook.answers.length + 1
      ? []
      : [`it arrived ${arrivals.length} times, not ${event.webhook.answers.length + 1}`]),
    ...(event.request.id === undefined || event.request.id === eventId ? [] : ['its id was not kept']),
    ...(bodies.size <= 1 ? [] : ['a repeat had another body']),
    ...[...bodies].flatMap((body) => bodyProblems(event, body)),
  ];
}

/** The body must be the document's, byte for byte, but for the fields that Postrider makes itself. */
function bodyProblems({ body: documented, made }: DemoEvent, body: string): string[] {
  const sent: unknown = JSON.parse(body);
  const fields = typeof sent === 'object' && sent !== null ? (sent as Record<string, unknown>) : {};
  const badForms = Object.entries(made)
    .filter(([name, form]) => !form.test(`${fields[name]}`))
    .map(([name]) => `its body's ${name} has not the documented form`);
  const madeNow = Object.fromEntries(Object.keys(made).map((name) => [name, fields[name]]));
  const expected = JSON.stringify(
    Array.isArray(documented) ? documented : { ...(documented as object), ...madeNow },
  );
  return body === expected ? badForms : [...badForms, `its body is ${body}, not ${expected}`];
}
