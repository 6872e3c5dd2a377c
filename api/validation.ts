import type { z } from 'zod';
import { escapePointer } from './json-limits.ts';
import { badRequest, type FieldError, invalidBody } from './problems.ts';

/** @throws Problem 422 with a pointer to each field that is wrong */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidBody(
    faultsOf(result.error.issues).map(({ path, detail }) => ({ pointer: pointerTo(path), detail })),
  );
}

/** @throws Problem 400 that names each parameter, or header, which is wrong */
export function parseParameters<T extends z.ZodType>(
  schema: T,
  value: unknown,
  kind: 'parameter' | 'header',
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = faultsOf(result.error.issues).map(({ path, detail }): FieldError => {
    const name = String(path[0] ?? '');
    return kind === 'parameter' ? { parameter: name, detail } : { header: name, detail };
  });
  throw badRequest(`invalid_${kind}`, `The request has a ${kind} that this route does not take`, errors);
}

/** Where a field stands in the body (RFC 6901). */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${escapePointer(String(name))}`).join('');
}

interface Fault {
  path: PropertyKey[];
  detail: string;
}

/** zod's issues, one for each field that is wrong. Values are not repeated: they may be secret. */
function faultsOf(issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], detail: 'is not known here' }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      // Of a list, an object and a word, the one that was sent.
      const ofItsKind = issue.errors.filter(
        (one) => !one.some(({ code, path }) => /^invalid_(type|value)$/.test(code) && path.length === 0),
      );
      const nearest = (ofItsKind.length > 0 ? ofItsKind : issue.errors).reduce((best, one) =>
        one.length < best.length ? one : best,
      );
      return faultsOf(nearest, path);
    }
    if (issue.code === 'invalid_key') return [{ path, detail: 'has a name that is not taken here' }];
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return [{ path, detail: isMissing ? 'is required' : issue.message }];
  });
}
