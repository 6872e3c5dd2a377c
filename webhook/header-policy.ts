/** What a webhook's own headers may hold. */
export const headerLimits = { maxHeaders: 20, maxNameChars: 128, maxValueChars: 2_048 } as const;

/** Why a header is refused. `name` is as it was given; the value is never repeated. */
export interface HeaderProblem {
  readonly code: 'header_count' | 'header_name' | 'header_reserved' | 'header_value';
  readonly name: string | null;
  readonly detail: string;
}

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Set by the sender itself; `authorization` through the webhook's `auth`. */
const OUR_OWN = [
  'accept-encoding',
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'user-agent',
  'x-inbox-signature',
];

const RESERVED = new Set([...HOP_BY_HOP, ...OUR_OWN]);

/** Whether a webhook may not set the header itself: hop-by-hop names, `host`, `webhook-…` and the sender's own. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || lower.startsWith('webhook-');
}

/** Whether the text can be sent as a header's value: printable ASCII, inner blanks (RFC 9110, section 5.5). */
export function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/.test(text);
}

/** What is wrong with a webhook's extra headers; empty when nothing is. */
export function headerProblems(headers: Readonly<Record<string, string>>): HeaderProblem[] {
  const names = Object.keys(headers);
  if (names.length > headerLimits.maxHeaders) {
    return [{ code: 'header_count', name: null, detail: `at most ${headerLimits.maxHeaders} headers` }];
  }
  const seen = new Set<string>();
  return names.flatMap((name) => {
    const problem = problemOf(name, headers[name] ?? '', seen);
    seen.add(name.toLowerCase());
    return problem === null ? [] : [problem];
  });
}

function problemOf(name: string, value: string, seen: ReadonlySet<string>): HeaderProblem | null {
  // RFC 9110, section 5.1: a field name is a token.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || name.length > headerLimits.maxNameChars) {
    return { code: 'header_name', name, detail: 'not a header name' };
  }
  if (isReservedHeader(name)) return { code: 'header_reserved', name, detail: 'set by the sender itself' };
  if (seen.has(name.toLowerCase())) return { code: 'header_name', name, detail: 'given twice' };
  if (!isHeaderValue(value) || value.length > headerLimits.maxValueChars) {
    return {
      code: 'header_value',
      name,
      detail: `a value is 1 to ${headerLimits.maxValueChars} printable ASCII characters`,
    };
  }
  return null;
}
