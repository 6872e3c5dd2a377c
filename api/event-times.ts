import { timeField } from './fields.schemas.ts';
import { conflict, type FieldError } from './problems.ts';

/** How far ahead a time may lie: the same day of the next year. */
export function yearAfter(time: Date): Date {
  const later = new Date(time);
  later.setUTCFullYear(later.getUTCFullYear() + 1);
  return later;
}

/** What is wrong with the times of an event that is posted now. */
export function timeErrors(
  { deliver_at, expires_at }: { deliver_at?: Date | undefined; expires_at?: Date | undefined },
  now: Date,
): FieldError[] {
  return [
    ...(deliver_at === undefined ? [] : faultsOf('/deliver_at', timeFault(deliver_at, now))),
    ...(expires_at === undefined ? [] : expiryErrors(expires_at, deliver_at ?? now, now)),
  ];
}

/** What is wrong with the end of an event that goes out at a time, which is or is not its own. */
export function expiryErrors(expires_at: Date, deliver_at: Date, now: Date): FieldError[] {
  const fault =
    expires_at > now && expires_at <= deliver_at
      ? 'must be after deliver_at'
      : timeFault(expires_at, now, deliver_at);
  return faultsOf('/expires_at', fault);
}

function timeFault(time: Date, now: Date, from = now): string | undefined {
  if (time <= now) return 'must be in the future';
  if (time <= yearAfter(from)) return undefined;
  return from > now ? 'must be within a year after deliver_at' : 'must be within a year';
}

function faultsOf(pointer: string, detail: string | undefined): FieldError[] {
  return detail === undefined ? [] : [{ pointer, detail }];
}

/** @throws Problem 409 */
export function assertNotExpired({ expires_at }: { expires_at: Date | null }, now: Date): void {
  if (expires_at === null || expires_at > now) return;
  throw conflict('event_expired', 'The event has expired: nothing of it is sent any more');
}

const inTime = { type: 'string', format: 'date-time', examples: ['2027-01-15T09:00:00+01:00'] } as const;

export const deliverAtField = timeField.meta({
  override: inTime,
  description:
    'When it is to go out, in the future and within a year; absent or null for at once. Which webhooks get it is decided then.',
});

export const expiresAtField = timeField.meta({
  override: { ...inTime, examples: ['2027-01-15T10:00:00+01:00'] },
  description:
    'From this moment on no attempt of its deliveries begins: those that still wait end as `expired`. In the future, after ' +
    '`deliver_at`, and within a year of it, or of now. Absent or null for never.',
});
