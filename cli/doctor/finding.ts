/** `note` is worth knowing; `warning` will or may do harm; `problem` keeps Postrider from its work. */
export type Level = 'ok' | 'note' | 'warning' | 'problem';

/** What one check has found. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly detail: string;
  /** What to do; there with each warning and problem. */
  readonly advice?: string;
}

/** Makes findings of one check. */
export function findingsOf(check: string) {
  return {
    ok: (detail: string): Finding => ({ check, level: 'ok', detail }),
    note: (detail: string): Finding => ({ check, level: 'note', detail }),
    warning: (detail: string, advice: string): Finding => ({ check, level: 'warning', detail, advice }),
    problem: (detail: string, advice: string): Finding => ({ check, level: 'problem', detail, advice }),
  };
}

/** What a step resolves to, or how long it was waited for: nothing that hangs keeps the others from being told. */
export async function within<Result>(ms: number, step: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** In one line, for people. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : `${error}`).split('\n')[0] ?? '';
}

/** How far a clock is from ours, told where it matters. `theirs` was read between two moments of ours, all in ms. */
export function clockFinding(
  check: string,
  theirs: number,
  between: readonly [number, number],
  slackMs: number,
): Finding {
  const finding = findingsOf(check);
  const [before, after] = between;
  const skew = theirs < before - slackMs ? theirs - before : theirs > after + slackMs ? theirs - after : 0;
  const seconds = `${Math.abs(skew / 1000).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (Math.abs(skew) < 2_000) return finding.ok('agrees with this machine’s');
  const advice = 'let NTP set the clocks of both machines';
  return Math.abs(skew) < 60_000
    ? finding.warning(`its clock is ${seconds}: attempts come that much too early or late`, advice)
    : finding.problem(`its clock is ${seconds}: receivers refuse timestamps that are minutes off`, advice);
}
