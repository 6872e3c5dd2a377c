import type { FieldError } from './problems.ts';

/** How deep lists and objects may stand in each other. */
export const deepestNesting = 64;

const mostErrors = 20;

/**
 * What a JSON value holds that PostgreSQL, or a receiver's JSON library, could not take: NUL characters, unpaired
 * surrogates, numbers beyond a double's range, nesting without end (compare I-JSON, RFC 7493). Never repeats the values.
 */
export function jsonLimitErrors(value: unknown): FieldError[] {
  const errors: FieldError[] = [];

  function look(part: unknown, pointer: string, depth: number): void {
    if (errors.length >= mostErrors) return;
    if (typeof part === 'string') {
      const problem = textProblem(part);
      if (problem !== undefined) errors.push({ pointer, detail: problem });
    } else if (typeof part === 'number') {
      if (!Number.isFinite(part))
        errors.push({ pointer, detail: 'is a number beyond the range of a double' });
    } else if (typeof part === 'object' && part !== null) {
      if (depth > deepestNesting) {
        errors.push({ pointer, detail: `is nested deeper than ${deepestNesting} levels` });
      } else if (Array.isArray(part)) {
        part.forEach((item, index) => {
          look(item, `${pointer}/${index}`, depth + 1);
        });
      } else {
        for (const [name, item] of Object.entries(part)) {
          const problem = textProblem(name);
          if (problem === undefined) look(item, `${pointer}/${escapePointer(name)}`, depth + 1);
          else errors.push({ pointer, detail: `has a field whose name ${problem}` });
        }
      }
    }
  }

  look(value, '', 1);
  return errors;
}

/** A field's name as a part of a JSON pointer (RFC 6901, section 3). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'holds a NUL character';
  if (!isWellFormed(text)) return 'holds half of a surrogate pair';
  return undefined;
}

/** ES2024, which every supported Node has. */
function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}
