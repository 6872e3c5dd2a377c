/** One thing that is wrong with a request, and where. */
export interface FieldProblem {
  readonly detail: string;
  /** A JSON pointer into the body. */
  readonly pointer?: string | undefined;
  /** The name of a path or query parameter. */
  readonly parameter?: string | undefined;
  readonly header?: string | undefined;
}

/** The API answered with a problem (RFC 9457), or with something that is no answer of Postrider's. */
export class PostriderError extends Error {
  override readonly name = 'PostriderError';
  readonly status: number;
  /** What programs tell problems apart by; `unknown` where the answer names none. */
  readonly code: string;
  readonly errors: readonly FieldProblem[];
  /** When it may be asked again, in ms from the answer; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(options: {
    status: number;
    code: string;
    detail: string;
    errors: readonly FieldProblem[];
    retryAfterMs: number | undefined;
  }) {
    super(options.detail);
    this.status = options.status;
    this.code = options.code;
    this.errors = options.errors;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What the API's answer says is wrong. `problem` is its body, whatever that is. */
export function errorOf(response: Response, problem: unknown): PostriderError {
  const { code, detail, errors } = (isObject(problem) ? problem : {}) as Record<string, unknown>;
  return new PostriderError({
    status: response.status,
    code: typeof code === 'string' ? code : 'unknown',
    detail: typeof detail === 'string' ? detail : `answered ${response.status}`,
    errors: Array.isArray(errors) ? errors.filter(isObject).map(fieldProblem) : [],
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
  });
}

/** `Retry-After` (RFC 9110, section 10.2.3), seconds or a date, in ms from now; undefined where it says nothing. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function fieldProblem(one: Record<string, unknown>): FieldProblem {
  const text = (name: string) => (typeof one[name] === 'string' ? { [name]: one[name] as string } : {});
  return {
    detail: typeof one.detail === 'string' ? one.detail : 'is wrong',
    ...text('pointer'),
    ...text('parameter'),
    ...text('header'),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
