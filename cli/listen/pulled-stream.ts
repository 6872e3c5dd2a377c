import { setTimeout as delay } from 'node:timers/promises';
import type { components } from '../../sdk/client/src/client.ts';
import { errorOf } from '../../sdk/client/src/errors.ts';
import { messagesOf } from './event-stream.ts';

/** A delivery as the API streams it. */
export type Pulled = components['schemas']['PulledDelivery'];

export interface PulledStream {
  /** Where the API is, without a slash at its end. */
  url: string;
  apiKey: string;
  webhookId: string;
  /** So many are sent ahead of what is said of them. */
  window: number;
  signal: AbortSignal;
  /** Hears of each connection: how long an attempt may take, in ms. */
  onConnected(timeoutMs: number): void;
  /** Hears why a connection is gone, before the next is tried. */
  onLost(why: string): void;
}

/** The API says something every 15 s. */
const mostSilentMs = 45_000;
const pausesMs = { first: 500, longest: 5_000 };
/** What the same request may be answered otherwise than with later on. */
const passing = (status: number) => status === 429 || status >= 500;

/**
 * A webhook's deliveries as they come, whatever becomes of the connection: a new one goes on after the last. Ends when the
 * webhook was deleted, or `signal` says so.
 * @throws PostriderError when the API refuses
 */
export async function* pulledOf(options: PulledStream): AsyncGenerator<Pulled, void, void> {
  const { signal, onLost } = options;
  let last: string | undefined;
  for (let pauseMs = pausesMs.first; !signal.aborted; ) {
    let why: string | undefined = 'the connection was closed';
    try {
      for await (const message of connect(options, last)) {
        pauseMs = pausesMs.first;
        if (message.event === 'gone') return;
        // It ends in order, so that the API hears from us.
        if (message.event === 'again') why = undefined;
        if (message.event !== 'delivery') continue;
        last = message.id;
        yield JSON.parse(message.data) as Pulled;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      why = reasonOf(error);
    }
    if (signal.aborted) return;
    if (why !== undefined) onLost(why);
    await delay(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(pauseMs * 2, pausesMs.longest);
  }
}

async function* connect(
  { url, apiKey, webhookId, window, signal, onConnected }: PulledStream,
  last?: string,
) {
  const silence = new AbortController();
  const hear = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new DOMException('silent', 'TimeoutError')), mostSilentMs);
  };
  let timer: NodeJS.Timeout | undefined;
  hear();
  try {
    const response = await fetch(`${url}/v1/webhooks/${webhookId}/listen?window=${window}`, {
      headers: {
        Authorization: `Bearer ${apiKey}`,
        Accept: 'text/event-stream',
        ...(last === undefined ? {} : { 'Last-Event-ID': last }),
      },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) {
      throw errorOf(response, await response.json().catch(() => undefined));
    }
    for await (const message of messagesOf(response.body)) {
      hear();
      if (message === null) continue;
      if (message.event === 'ready')
        onConnected((JSON.parse(message.data) as { timeout_ms: number }).timeout_ms);
      yield message;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the same may succeed in a moment: all but a refusal. */
function isPassing(error: unknown): boolean {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status !== 'number' || passing(status);
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: unknown } };
  if (name === 'TimeoutError') return 'nothing was heard for too long';
  return typeof cause?.code === 'string' ? cause.code : message;
}
