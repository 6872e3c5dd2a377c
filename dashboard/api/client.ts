/** What a problem document says of one field. */
export interface FieldProblem {
  pointer?: string;
  parameter?: string;
  detail: string;
}

/** A request that the API refused (RFC 9457), or that did not reach it: then `status` is 0. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldProblem[];

  constructor(problem: { status: number; code: string; detail: string; fields?: readonly FieldProblem[] }) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.status = problem.status;
    this.code = problem.code;
    this.fields = problem.fields ?? [];
  }

  /** What is wrong with the field at that JSON pointer, or below it. */
  field(pointer: string): string | undefined {
    const found = this.fields.find(
      (field) => field.pointer === pointer || field.pointer?.startsWith(`${pointer}/`),
    );
    return found?.detail;
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Options {
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * Asks the API, as the session that the browser's cookie stands for.
 * @throws ApiProblem
 */
export async function ask<Answer>(method: Method, path: string, options: Options = {}): Promise<Answer> {
  const response = await send(method, path, options);
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}

async function send(method: Method, path: string, { body, signal }: Options): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        // No other site can set it, so that none can act in this session's name.
        ...(method === 'GET' ? {} : { 'x-postrider-request': 'dashboard' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem({ status: 0, code: 'offline', detail: 'Postrider cannot be reached at the moment' });
  }
}

function problemOf(status: number, text: string): ApiProblem {
  try {
    const { code, detail, errors } = JSON.parse(text);
    return new ApiProblem({ status, code, detail, fields: errors ?? [] });
  } catch {
    return new ApiProblem({ status, code: 'unknown', detail: `The server answered ${status}` });
  }
}

/** `?a=1&b=2` of what is given; several values of one name are joined by commas. */
export function queryString(values: Record<string, string | number | readonly string[] | undefined>): string {
  const given = Object.entries(values).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value.join(',') : value;
    return text === undefined || text === '' ? [] : [[name, String(text)]];
  });
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
