import { duration } from '../../format/time.ts';

const units: Record<string, number> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The lengths of time in "0 s, 30 s, 2 min, 2 h", in ms; NaN for what is none. */
export function durationsInText(text: string): number[] {
  const parts = text.split(/[,;\n]/).map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [, value, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?$/.exec(part) ?? [];
      return value === undefined ? Number.NaN : Math.round(Number(value) * (units[unit] ?? Number.NaN));
    });
}

export function textOfDurations(durations: readonly number[]): string {
  return durations.map((ms) => (ms === 0 ? '0 s' : exactly(ms))).join(', ');
}

/** In words where these say it exactly. */
function exactly(ms: number): string {
  const words = duration(ms);
  return durationsInText(words)[0] === ms ? words : `${ms} ms`;
}
