import type { WebhookId } from '../db/ids.ts';
import type { Answer } from '../webhook/answer.ts';
import type { NoToken } from '../webhook/client-credentials.ts';
import { describeFailure } from '../webhook/failure-reasons.ts';
import type { ClientCredentials, SentAuth } from '../webhook/profile.ts';
import type { AccessToken, AccessTokens } from './access-tokens.ts';

/** What was sent, as an attempt's record shows it, and what came back. */
export interface Sent {
  headers: Record<string, string>;
  answer: Answer;
}

/** One POST that authenticates so and takes no longer than that, in ms. */
export type Post = (auth: SentAuth, timeoutMs: number) => Promise<Sent>;

const unauthorized = 401;

/**
 * Posts with an access token, all within the attempt's time. A token that was there before this attempt, and that the
 * receiver answers with 401, may have been taken back: then it is renewed and the request repeated, once, unless by then nothing
 * more is to be sent.
 */
export async function postWithToken(
  tokens: AccessTokens,
  {
    webhook,
    credentials,
    timeoutMs,
    isOver = () => false,
  }: { webhook: WebhookId; credentials: ClientCredentials; timeoutMs: number; isOver?: () => boolean },
  post: Post,
): Promise<Sent> {
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  const left = () => Math.max(0, timeoutMs - elapsed());
  const postWith = async (token: string) => {
    const { headers, answer } = await post({ type: 'bearer', token }, left());
    return { headers, answer: { ...answer, durationMs: elapsed() } };
  };

  const first = await withinTime(tokens.get(webhook, credentials), left());
  if ('problem' in first) {
    const { problem, reason = 'no_token' } = first;
    const detail = reason === 'no_token' ? describeFailure(reason, { cause: problem }) : problem;
    return { headers: {}, answer: { kind: 'failed', reason, detail, durationMs: elapsed() } };
  }
  const sent = await postWith(first.token);
  if (!isUnauthorized(sent)) return sent;
  if (first.askedAt >= startedAt) {
    tokens.refusedNew(webhook);
    return sent;
  }
  const second = await withinTime(tokens.renew(webhook, credentials, first.token), left());
  if (second === undefined || 'problem' in second || isOver()) return sent;
  const repeated = await postWith(second.token);
  if (isUnauthorized(repeated)) tokens.refusedNew(webhook);
  return repeated;
}

function isUnauthorized({ answer }: Sent): boolean {
  return answer.kind === 'answered' && answer.status === unauthorized;
}

async function withinTime<T extends AccessToken | undefined>(
  token: Promise<T>,
  ms: number,
): Promise<T | NoToken> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<NoToken>((resolve) => {
    timer = setTimeout(() => resolve({ problem: 'the token endpoint gave none in time' }), ms);
  });
  return Promise.race([token, late]).finally(() => clearTimeout(timer));
}
