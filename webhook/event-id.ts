/**
 * Whether a producer's own event id can be what receivers see. No full stop, since it is signed as part of
 * `{id}.{timestamp}.{body}` (Standard Webhooks 1.0, "Signature scheme"), and nothing that a header cannot hold.
 */
export function isEventId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(text);
}
