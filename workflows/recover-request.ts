/** Which ended deliveries are to be sent again. Plain enough to type by hand. */
export interface RecoverRequest {
  /** What ended from then on; ISO 8601. */
  since: string;
  /** What ended until then; until the moment of the request if absent, and never after that. */
  until?: string;
  /** How it had ended; `failed` if absent. */
  status?: 'failed' | 'cancelled';
  /** The moment of the request; when the workflow hears of it if absent. */
  asked_at?: string;
}

/** A request that a recovery has taken up. Times are ISO 8601. */
export interface Range {
  status: 'failed' | 'cancelled';
  since: string;
  until: string;
  /** Its end is the moment of the request, so that the same request a moment later is still the same. */
  is_open: boolean;
  /** All that it names was found; what is left is to send it. */
  is_marked: boolean;
}

/** What a request asks for; undefined when it makes no sense. `now` is in ms. */
export function rangeIn(request: unknown, now: number): Range | undefined {
  if (typeof request !== 'object' || request === null) return undefined;
  const { since, until, status = 'failed', asked_at } = request as Record<string, unknown>;
  if (status !== 'failed' && status !== 'cancelled') return undefined;
  const from = timeIn(since);
  const askedAt = asked_at === undefined ? now : timeIn(asked_at);
  const to = until === undefined || until === null ? askedAt : timeIn(until);
  if (from === undefined || to === undefined || askedAt === undefined) return undefined;
  return {
    status,
    since: new Date(from).toISOString(),
    until: new Date(Math.min(to, askedAt)).toISOString(),
    is_open: to >= askedAt,
    is_marked: false,
  };
}

export function isSameRange(a: Range, b: Range): boolean {
  if (a.status !== b.status || a.since !== b.since || a.is_open !== b.is_open) return false;
  return a.is_open || a.until === b.until;
}

/** From 1970 to 9999, in ms: what a database takes as well. */
function timeIn(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const ms = Date.parse(text);
  return ms >= 0 && ms < Date.UTC(10_000, 0) ? ms : undefined;
}
