import { readFileSync } from 'node:fs';
import { CommandFailed, UsageError } from './failures.ts';

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time as RFC 3339 has it, or so long ago, or ahead: `90s`, `30m`, `2h`, `7d`. @throws UsageError */
export function momentOf(text: string, option: string, now: Date, from: 'ago' | 'ahead' = 'ago'): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) {
    const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
    return new Date(now.getTime() + (from === 'ago' ? -ms : ms)).toISOString();
  }
  if (/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/i.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new UsageError(
    `${option} must be a time such as 2025-01-15T10:25:03Z, or so long ${from}: 90s, 30m, 2h, 7d`,
  );
}

/** A whole number of seconds. @throws UsageError */
export function secondsOf(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} must be a number of seconds`);
  return Number(text);
}

/** One of the choices. @throws UsageError */
export function oneOf<const Choice extends string>(
  text: string,
  choices: readonly Choice[],
  option: string,
): Choice {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`${option} must be one of ${choices.join(', ')}`);
  return choice;
}

/** A JSON object: the text itself, that of a file (`@file`), or of standard input (`-`). @throws UsageError, CommandFailed */
export async function readJson(
  given: string,
  option: string,
  readInput: () => Promise<string>,
): Promise<Record<string, unknown>> {
  const text = given === '-' ? await readInput() : given.startsWith('@') ? readFile(given.slice(1)) : given;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${option} is not JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${option} must be a JSON object`);
  }
  return value as Record<string, unknown>;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
