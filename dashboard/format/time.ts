const locale = 'en-GB';
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** "just now", "4 min ago", "in 2 h": what a glance needs. The exact time stands beside it as a title. */
export function relativeTime(iso: string, now: number): string {
  const away = Date.parse(iso) - now;
  const distance = Math.abs(away);
  if (distance < 5 * second) return 'just now';
  const words =
    distance < minute
      ? `${Math.round(distance / second)} s`
      : distance < hour
        ? `${Math.round(distance / minute)} min`
        : distance < day
          ? `${Math.round(distance / hour)} h`
          : `${Math.round(distance / day)} d`;
  return away < 0 ? `${words} ago` : `in ${words}`;
}

const exact = new Intl.DateTimeFormat(locale, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

/** "21 Nov 2026, 09:45:54", in the time zone of whoever looks. */
export function exactTime(iso: string): string {
  return exact.format(new Date(iso));
}

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat(locale, {
  ...{ weekday: 'short', hour: '2-digit', minute: '2-digit' },
});

/** A tick of a time axis. */
export function clockTime(iso: string | number | Date, { withDay = false } = {}): string {
  return (withDay ? dayAndClock : clock).format(new Date(iso));
}

/** "820 ms", "1.4 s", "2 min", "30 s", "2 h": a length of time. */
export function duration(ms: number): string {
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < minute) return `${trim(ms / second)} s`;
  if (ms < hour) return `${trim(ms / minute)} min`;
  if (ms < day) return `${trim(ms / hour)} h`;
  return `${trim(ms / day)} d`;
}

function trim(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, '');
}

/** The RFC 3339 form of what a `datetime-local` field holds; undefined when it is empty. */
export function momentOfField(value: string): string | undefined {
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** What a `datetime-local` field shows for a moment. */
export function fieldOfMoment(iso: string | undefined): string {
  if (iso === undefined) return '';
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? ''
    : new Date(at.getTime() - at.getTimezoneOffset() * minute).toISOString().slice(0, 16);
}
