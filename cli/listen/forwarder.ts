import { setTimeout as delay } from 'node:timers/promises';
import { createHttpClient, type HttpClient } from '../../delivery/http-client.ts';
import { dataOf, type PostriderClient } from '../../sdk/client/src/client.ts';
import type { Answer } from '../../webhook/answer.ts';
import type { Pulled } from './pulled-stream.ts';

/** What became of a delivery that was forwarded. */
export interface Forwarded {
  pulled: Pulled;
  answer: Answer;
  /** Null when somebody else said before what became of it. */
  status: string | null;
  next_attempt_at: string | null;
}

export interface Forwarder {
  /** Forwards one, and says what came of it to the API, which it waits for if need be. @throws PostriderError when that refuses */
  forward(pulled: Pulled, timeoutMs: number): Promise<Forwarded>;
  close(): Promise<void>;
}

const pausesMs = { first: 250, longest: 5_000 };

/** Sends deliveries on as they would have been sent: the same headers and bytes, no redirect followed, judged by the API. */
export function createForwarder({
  to,
  api,
  webhookId,
  signal,
}: {
  /** Wherever the user says: nobody else chooses it. */
  to: string;
  api: PostriderClient;
  webhookId: string;
  signal: AbortSignal;
}): Forwarder {
  const http: HttpClient = createHttpClient({ isAddressAllowed: () => true });

  async function report(pulled: Pulled, answer: Answer) {
    const results = [{ cursor: pulled.cursor, ...resultOf(answer) }];
    for (let pauseMs = pausesMs.first; ; pauseMs = Math.min(pauseMs * 2, pausesMs.longest)) {
      try {
        const told = await api.POST('/v1/webhooks/{id}/poll/ack', {
          params: { path: { id: webhookId } },
          body: { results },
        });
        // Told twice it counts once.
        if (told.response.status < 500 && told.response.status !== 429) return dataOf(told).results[0];
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      await delay(pauseMs, undefined, { signal });
    }
  }

  return {
    async forward(pulled, timeoutMs) {
      const { headers, body } = pulled;
      const answer = await http.post({ url: to, headers, body, timeoutMs });
      const told = await report(pulled, answer);
      return {
        ...{ pulled, answer },
        status: told?.status ?? null,
        next_attempt_at: told?.next_attempt_at ?? null,
      };
    },
    close: () => http.close(),
  };
}

function resultOf(answer: Answer) {
  const duration_ms = Math.round(answer.durationMs);
  if (answer.kind === 'failed') return { error: answer.reason, duration_ms };
  const { status, headers, body, bodyTruncated } = answer;
  return { ...{ status, headers: { ...headers }, body }, body_truncated: bodyTruncated, duration_ms };
}
