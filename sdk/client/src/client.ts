import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api.ts';
import { errorOf } from './errors.ts';
import {
  type AnyListOptions,
  type AnyPage,
  type ListOptions,
  type ListPath,
  type PageOf,
  pagesOf,
  type RowOf,
} from './pages.ts';
import { createRetryingFetch, type RetryOptions, usualRetries } from './retrying-fetch.ts';

export type { components, operations, paths } from './api.ts';
export { type FieldProblem, PostriderError } from './errors.ts';
export type { ListOptions, ListPath, PageOf, RowOf } from './pages.ts';
export type { RetryOptions } from './retrying-fetch.ts';

type Schemas = components['schemas'];
export type NewEvent = Schemas['NewEvent'];
export type AcceptedEvent = Schemas['AcceptedEvent'];
export type BatchedEvent = Schemas['BatchedEvent'];
export type BatchResult = Schemas['EventBatchResult']['results'][number];

export interface ClientOptions {
  /** Where the API is, without `/v1`: `https://postrider.example`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What is said otherwise than `usualRetries`; `{tries: 1}` for none. */
  readonly retries?: Partial<RetryOptions>;
  readonly fetch?: (request: Request) => Promise<Response>;
}

export interface PostriderClient extends Client<paths> {
  /**
   * Posts an event, and answers once it is stored. Without an `id` it is given one before the first try, so that however often
   * it is tried it is one event.
   * @throws PostriderError, or what `fetch` throws when nothing was answered
   */
  sendEvent(event: NewEvent, options?: { signal?: AbortSignal }): Promise<AcceptedEvent>;
  /**
   * Posts up to 1,000 events, each with its own result, in their order. Ids as in `sendEvent`.
   * @throws PostriderError when the batch as a whole was refused
   */
  sendEvents(events: readonly BatchedEvent[], options?: { signal?: AbortSignal }): Promise<BatchResult[]>;
  /** The rows of a list, newest first, page by page. @throws PostriderError */
  list<Path extends ListPath>(path: Path, options?: ListOptions<Path>): AsyncGenerator<RowOf<Path>>;
  /** The same, a page at a time. @throws PostriderError */
  listPages<Path extends ListPath>(path: Path, options?: ListOptions<Path>): AsyncGenerator<PageOf<Path>>;
}

/** What openapi-fetch answers of a request. */
interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer. @throws PostriderError when it has none */
export function dataOf<Data>({ data, error, response }: Answer<Data>): Exclude<Data, undefined> {
  if (!response.ok) throw errorOf(response, error);
  return data as Exclude<Data, undefined>;
}

/** A client of one Postrider. Each of its methods may be called any number of times at once. */
export function createPostriderClient(options: ClientOptions): PostriderClient {
  const { baseUrl, apiKey, retries, fetch = (request: Request) => globalThis.fetch(request) } = options;
  const client = createClient<paths>({
    baseUrl: baseUrl.replace(/\/+$/, ''),
    headers: { Authorization: `Bearer ${apiKey}` },
    fetch: createRetryingFetch({ ...usualRetries, ...retries, fetch, sleep, random: Math.random }),
  });
  // Made once, before the first try: posted again it is the same request.
  client.use({
    onRequest({ request, schemaPath }) {
      if (schemaPath === '/v1/events' && request.method === 'POST' && !request.headers.has(keyHeader)) {
        request.headers.set(keyHeader, crypto.randomUUID());
      }
      return request;
    },
  });

  async function* listPages<Path extends ListPath>(
    path: Path,
    listed?: ListOptions<Path>,
  ): AsyncGenerator<PageOf<Path>, void, void> {
    const { path: inPath, query, signal } = (listed ?? {}) as AnyListOptions;
    // openapi-fetch knows each path's own parameters; this is any of them.
    const get = client.GET as (path: string, init: object) => Promise<Answer<PageOf<Path>>>;
    yield* pagesOf(async (cursor) => {
      const page = await get(path, {
        params: { path: inPath, query: { ...query, ...(cursor === undefined ? {} : { cursor }) } },
        ...(signal === undefined ? {} : { signal }),
      });
      return dataOf(page) as AnyPage;
    }) as AsyncGenerator<PageOf<Path>, void, void>;
  }

  return Object.assign(client, {
    async sendEvent(event: NewEvent, { signal }: { signal?: AbortSignal } = {}) {
      const body = withId(event);
      return dataOf(await client.POST('/v1/events', { body, ...(signal === undefined ? {} : { signal }) }));
    },
    async sendEvents(events: readonly BatchedEvent[], { signal }: { signal?: AbortSignal } = {}) {
      const answer = await client.POST('/v1/events/batch', {
        body: { events: events.map(withId) },
        // Every event has its id: it may be repeated.
        headers: { [keyHeader]: crypto.randomUUID() },
        ...(signal === undefined ? {} : { signal }),
      });
      return dataOf(answer).results;
    },
    async *list<Path extends ListPath>(path: Path, listOptions?: ListOptions<Path>) {
      for await (const page of listPages(path, listOptions)) yield* (page as { data: RowOf<Path>[] }).data;
    },
    listPages,
  }) as PostriderClient;
}

const keyHeader = 'Idempotency-Key';

function withId<Event extends { id?: string | undefined }>(event: Event): Event {
  return event.id === undefined ? { ...event, id: `evt_${crypto.randomUUID()}` } : event;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
    return undefined;
  });
}
