import { STATUS_CODES } from 'node:http';

/** One thing that is wrong, and where: a JSON pointer into the body, a parameter's name, or a header's. */
export type FieldError = { detail: string } & (
  | { pointer: string }
  | { parameter: string }
  | { header: string }
);

export interface ProblemOptions {
  status: number;
  /** What a program tells problems apart by. */
  code: string;
  /** For people; never holds what the request or the database held. */
  detail: string;
  errors?: readonly FieldError[];
  headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  members?: Readonly<Record<string, unknown>>;
}

/** A request that is answered with a problem document (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(`${options.status} ${options.code}`);
    this.options = options;
  }
}

/**
 * The document of a problem. Its `type` is always `about:blank`, so the title is the status' own (RFC 9457, section
 * 4.2.1) and `code` tells more.
 */
export function problemDocument({ status, code, detail, errors, members }: Omit<ProblemOptions, 'headers'>) {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(errors === undefined ? {} : { errors }),
    ...members,
  };
}

export function badRequest(code: string, detail: string, errors?: readonly FieldError[]): Problem {
  return new Problem({ status: 400, code, detail, ...(errors === undefined ? {} : { errors }) });
}

/** What was sent is JSON, but not what the route takes. */
export function invalidBody(errors: readonly FieldError[]): Problem {
  return new Problem({
    status: 422,
    code: 'invalid_body',
    detail: 'The body holds something that this route does not take',
    errors,
  });
}

/** There is none, or it is another account's: the answer does not tell which. */
export function notFound(what: string): Problem {
  return new Problem({ status: 404, code: 'not_found', detail: `There is no such ${what}` });
}

export function conflict(code: string, detail: string, errors?: readonly FieldError[]): Problem {
  return new Problem({ status: 409, code, detail, ...(errors === undefined ? {} : { errors }) });
}

/** Something that this service needs is away for the moment: the same request may succeed in two seconds. */
export function unavailable(code: string, detail: string): Problem {
  return new Problem({ status: 503, code, detail, headers: { 'Retry-After': '2' } });
}

/** More comes in than can be taken in: the same request may succeed in a second. */
export function overloaded(): Problem {
  return new Problem({
    status: 503,
    code: 'overloaded',
    detail: 'More comes in at the moment than can be taken in: try again',
    headers: { 'Retry-After': '1' },
  });
}
