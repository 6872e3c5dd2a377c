import type { Answer } from './answer.ts';

/** The statuses whose Retry-After says when to come back. */
const HONOURED_STATUSES: readonly number[] = [429, 503];

/**
 * How long, in ms from `now` (ms since 1970), the receiver asks the sender to wait; `null` when it does not, or not on
 * a status that is heeded (429 and 503).
 */
export function retryAfterOf(answer: Answer, now: number): number | null {
  if (answer.kind !== 'answered' || !HONOURED_STATUSES.includes(answer.status)) return null;
  const value = answer.headers['retry-after'];
  return value === undefined ? null : parseRetryAfter(value, now);
}

/**
 * Reads a Retry-After header (RFC 9110, section 10.2.3): a number of seconds, or a date in any of the three
 * forms of section 5.6.7. In ms from `now` (ms since 1970), 0 for a date that has passed, `null` for anything else.
 */
export function parseRetryAfter(value: string, now: number): number | null {
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const date = parseHttpDate(text, now);
  return date === null ? null : Math.max(0, date - now);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const DATE_FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^[A-Z][a-z]+, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  // Sun Nov  6 08:49:37 1994
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
];

function parseHttpDate(text: string, now: number): number | null {
  for (const form of DATE_FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts?.day === undefined || parts.month === undefined || parts.year === undefined) continue;
    const month = MONTHS.indexOf(parts.month) + 1;
    if (month === 0) return null;
    const padded = (number: number, digits: number) => String(number).padStart(digits, '0');
    const year = padded(fullYear(parts.year, now), 4);
    const time = Date.parse(`${year}-${padded(month, 2)}-${padded(Number(parts.day), 2)}T${parts.time}Z`);
    return Number.isNaN(time) ? null : time;
  }
  return null;
}

/** RFC 9110, section 5.6.7: a two-digit year that seems over 50 years ahead is the last one with those digits. */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
