import type { paths } from './api.ts';

type JsonOf<Operation> = Operation extends {
  responses: { 200: { content: { 'application/json': infer Json } } };
}
  ? Json
  : never;

/** Paths whose GET answers a page. */
export type ListPath = {
  [Path in keyof paths]: paths[Path] extends { get: infer Operation }
    ? JsonOf<Operation> extends { data: unknown[]; next_cursor: string | null }
      ? Path
      : never
    : never;
}[keyof paths];

type OperationOf<Path extends ListPath> = paths[Path] extends { get: infer Operation } ? Operation : never;

/** A page of the list at the path. */
export type PageOf<Path extends ListPath> = JsonOf<OperationOf<Path>>;
/** A row of the list at the path. */
export type RowOf<Path extends ListPath> = PageOf<Path> extends { data: (infer Row)[] } ? Row : never;

type ParametersOf<Path extends ListPath> =
  OperationOf<Path> extends { parameters: infer Parameters } ? Parameters : never;
type PathParametersOf<Path extends ListPath> =
  ParametersOf<Path> extends { path: infer InPath } ? { path: InPath } : { path?: never };
type QueryOf<Path extends ListPath> = ParametersOf<Path> extends { query?: infer Query } ? Query : never;

/** What is listed; `limit` is that of each page. */
export type ListOptions<Path extends ListPath> = PathParametersOf<Path> & {
  query?: QueryOf<Path>;
  signal?: AbortSignal;
};

/** A page of any list. */
export interface AnyPage {
  data: unknown[];
  next_cursor: string | null;
}

/** Options of any list. */
export interface AnyListOptions {
  path?: object;
  query?: object;
  signal?: AbortSignal;
}

/**
 * The pages of a list, each asked for when the one before is done with. Rows that are added meanwhile are newer than the first
 * page and do not come.
 */
export async function* pagesOf<One extends AnyPage>(
  ask: (cursor: string | undefined) => Promise<One>,
): AsyncGenerator<One, void, void> {
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    yield page;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
