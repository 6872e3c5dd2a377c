import type { SecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { Answer } from '../webhook/answer.ts';
import { describeFailure, type FailureReason } from '../webhook/failure-reasons.ts';
import { createCheckedConnector, createSystemResolve, type Resolve } from './checked-connector.ts';
import type { EgressProxy, TunnelOutcome } from './egress-proxy.ts';
import { createInHand } from './in-hand.ts';
import { networkFailureOf } from './network-failures.ts';
import { createOriginSlots, type Release } from './origin-slots.ts';
import { createOwnAgents, type OwnTls } from './own-agents.ts';

/** How much of a response's body is kept, in bytes. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
/** Above what the endpoints of one origin need: each has a share of its own (endpoint-slots.ts). */
const DEFAULT_CONNECTIONS_PER_ORIGIN = 2_048;

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the call to the end of the answer's body, in ms; waiting for a connection counts. */
  readonly timeoutMs: number;
  /** What the connection is made with that is not as for all others, and shared with none of another owner. */
  readonly tls?: OwnTls | undefined;
}

export interface HttpClient {
  /**
   * One POST. What the network or the receiver does comes back as an `Answer`; nothing of it is thrown. Redirects are
   * answers like others, bodies are kept as they come (not decompressed) up to 64 KiB and read no further.
   *
   * The status line decides: once it and the headers are there the answer counts, and a body that then stalls or breaks
   * off only makes it truncated.
   */
  post(request: PostRequest): Promise<Answer>;
  /** Waits for the posts under way, then closes every connection. Later posts fail as `interrupted`. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** Asked for every address before a connection is made to it. */
  readonly isAddressAllowed: (ip: string) => boolean;
  /** For name resolution, TCP and TLS together, in ms. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** How many connections, and so requests, may be open to one origin. @default 2_048 */
  readonly connectionsPerOrigin?: number;
  /** @default the system's resolver */
  readonly resolve?: Resolve;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca?: string;
  /** Every connection goes through it. @default none */
  readonly proxy?: EgressProxy | undefined;
  /** Hears how each connection through it went. */
  readonly onTunnel?: (outcome: TunnelOutcome) => void;
}

/** An HTTP/1.1 client of its own, with connections kept alive for each origin and certificates checked. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const connectionsPerOrigin = options.connectionsPerOrigin ?? DEFAULT_CONNECTIONS_PER_ORIGIN;
  const slots = createOriginSlots(connectionsPerOrigin);
  const underWay = createInHand<number, Promise<Answer>>();
  let posts = 0;
  let isClosed = false;
  const resolve = options.resolve ?? createSystemResolve();
  const newAgent = (secureContext?: SecureContext) =>
    new Agent({
      connect: createCheckedConnector({
        isAddressAllowed: options.isAddressAllowed,
        resolve,
        timeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
        ca: options.ca,
        proxy: options.proxy,
        onTunnel: options.onTunnel,
        ...(secureContext === undefined ? {} : { secureContext }),
      }),
      connections: connectionsPerOrigin,
      pipelining: 1,
      // One timer of our own bounds the whole exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  const agent = newAgent();
  const ownAgents = createOwnAgents({ newAgent, ca: options.ca });

  async function exchange({ url, headers, body, timeoutMs, tls }: PostRequest): Promise<Answer> {
    const startedAt = performance.now();
    const elapsed = () => Math.round(performance.now() - startedAt);
    const failed = (reason: FailureReason): Answer => ({
      kind: 'failed',
      reason,
      detail: describeFailure(reason, { timeoutMs }),
      durationMs: elapsed(),
    });
    if (isClosed) return failed('interrupted');
    if (!URL.canParse(url)) return failed('url_refused');
    const { origin, pathname, search } = new URL(url);
    const slot = tls === undefined ? origin : `${origin} ${tls.owner}`;
    const release = await slots.acquire(slot, timeoutMs);
    if (release === null) return failed('connection_limit');
    // Only now: while a slot was waited for, it may have been closed for one with other settings.
    const used = tls === undefined ? agent : ownAgents.of(tls);
    if (used === undefined) {
      release();
      return failed('tls');
    }
    const request = { origin, path: pathname + search, method: 'POST', headers: { ...headers }, body };
    return dispatch(used, request, { timeoutMs, elapsed, release });
  }

  return {
    post(request) {
      posts += 1;
      const number = posts;
      const answer = exchange(request).finally(() => underWay.delete(number));
      underWay.set(number, answer);
      return answer;
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(underWay.values());
      await Promise.all([agent.destroy(), ownAgents.close()]);
    },
  };
}

interface Bounds {
  readonly timeoutMs: number;
  /** Ms since the post was asked for. */
  readonly elapsed: () => number;
  /** Called when the agent is done with the request, which can be later than the answer. */
  readonly release: Release;
}

interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

function dispatch(
  agent: Agent,
  request: Dispatcher.DispatchOptions & { origin: string },
  { timeoutMs, elapsed, release }: Bounds,
): Promise<Answer> {
  return new Promise((resolve) => {
    const isTls = request.origin.startsWith('https:');
    let controller: Dispatcher.DispatchController | null = null;
    let head: ResponseHead | null = null;
    const chunks: Buffer[] = [];
    let bytesLeft = MAX_RESPONSE_BYTES;
    let isSettled = false;

    function settle(answer: Answer) {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      resolve(answer);
    }

    function settleAnswered({ status, headers }: ResponseHead, bodyTruncated: boolean) {
      settle({
        kind: 'answered',
        status,
        headers,
        body: textOf(chunks),
        bodyTruncated,
        durationMs: elapsed(),
      });
    }

    function settleFailed(reason: FailureReason, code?: string) {
      settle({
        kind: 'failed',
        reason,
        detail: describeFailure(reason, { timeoutMs, code }),
        durationMs: elapsed(),
      });
    }

    function stop() {
      controller?.abort(new Error('no longer needed'));
    }

    const timer = setTimeout(
      () => {
        if (head !== null) settleAnswered(head, true);
        else settleFailed(controller === null ? 'connect_timeout' : 'timeout');
        stop();
      },
      Math.max(0, timeoutMs - elapsed()),
    );

    agent.dispatch(request, {
      onRequestStart(started) {
        controller = started;
        if (isSettled) stop();
      },
      onResponseStart(_, status, headers) {
        if (status >= 200) head = { status, headers: joined(headers) };
      },
      onResponseData(_, chunk) {
        if (head === null || isSettled) return;
        chunks.push(chunk.subarray(0, bytesLeft));
        bytesLeft -= chunk.length;
        if (bytesLeft >= 0) return;
        settleAnswered(head, true);
        stop();
      },
      onResponseEnd() {
        release();
        if (head !== null) settleAnswered(head, false);
      },
      onResponseError(_, error) {
        release();
        if (head !== null) return settleAnswered(head, true);
        const { reason, code } = networkFailureOf(error, { isSent: controller !== null, isTls });
        settleFailed(reason, code);
      },
    });
  });
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** Lossy UTF-8, and without NUL, which PostgreSQL's text cannot hold. */
function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8').replaceAll('\0', '');
}
