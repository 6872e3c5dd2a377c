/** How hard the faults are tried: the short form that `npm test` runs, or what `npm run test:faults` asks for. */
export interface Form {
  /** Of load around each fault, at least. */
  readonly seconds: number;
  /** Events posted a second. */
  readonly perSecond: number;
  /** How often a process is killed. */
  readonly kills: number;
  /** How often each process is stopped in order. */
  readonly stops: number;
  /** Of everything that is left to chance. */
  readonly seed: number;
}

const { FAULT_SECONDS, FAULT_RATE, FAULT_KILLS, FAULT_SEED } = process.env;

export const form: Form = {
  seconds: Number(FAULT_SECONDS ?? 2),
  perSecond: Number(FAULT_RATE ?? 40),
  kills: Number(FAULT_KILLS ?? 2),
  stops: Number(FAULT_KILLS ?? 1),
  seed: Number(FAULT_SEED ?? Math.floor(Math.random() * 1e9)),
};

/** Whoever posts is told within so long whether the event is taken in; three seconds more are for a machine that runs other tests. */
export const answerMs = FAULT_SECONDS === undefined ? 5_000 : 2_000;

/** How much later than promised something may be: the short form shares its machine with other tests. */
export const latenessAllowed = FAULT_SECONDS === undefined ? 3 : 1;

/** Long enough for the fault, for what it holds up, and for a machine that has other things to do. */
export const timeoutMs = 120_000 + form.seconds * 5_000 + form.kills * 20_000;

/** How long something is away: in the short form as long as leaves time to notice, in the full form `fullSeconds`. */
export function awayMs(fullSeconds: number): number {
  return Math.min(form.seconds, fullSeconds) * 1_000;
}

/**
 * A share of the events is posted to go out later: those posted in the first `forMs` of the load, after so many ms at least and at most. That is
 * longer than an answer may take: what is past by then is refused. In the short form all of them are posted before the fault and are due in the
 * midst of it, so that little has to be waited for.
 */
export const later =
  FAULT_SECONDS === undefined
    ? { forMs: 1_000, leastMs: 3_000, mostMs: 4_000 }
    : { forMs: Number.POSITIVE_INFINITY, leastMs: 3_000, mostMs: 6_000 };
