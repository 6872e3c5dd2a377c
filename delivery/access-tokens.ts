import { isDeepStrictEqual } from 'node:util';
import type { WebhookId } from '../db/ids.ts';
import {
  type NoToken,
  readTokenAnswer,
  type TokenAnswer,
  tokenRequest,
} from '../webhook/client-credentials.ts';
import type { ClientCredentials } from '../webhook/profile.ts';
import type { HttpClient } from './http-client.ts';

/** A token, with when it was asked for, in ms of `performance.now()`; or why there is none. */
export type AccessToken = { readonly token: string; readonly askedAt: number } | NoToken;

/**
 * Access tokens by client credentials (RFC 6749, section 4.4), kept in memory until shortly before they end. However many
 * attempts want a webhook's token, one request for it is under way.
 */
export interface AccessTokens {
  get(webhook: WebhookId, credentials: ClientCredentials): Promise<AccessToken>;
  /**
   * Another token than that, which the receiver has refused: the one that was got meanwhile, or a new one. Undefined when
   * a new one was of no use a moment ago.
   */
  renew(
    webhook: WebhookId,
    credentials: ClientCredentials,
    refused: string,
  ): Promise<AccessToken | undefined>;
  /** That a token was refused which had just been got: for a while no other is asked for on that account. */
  refusedNew(webhook: WebhookId): void;
}

/** How long the token endpoint may take, in ms. */
const timeoutMs = 10_000;
/** How long before its end a token is replaced: a tenth of its life, and at most that many ms. */
const mostMarginMs = 30_000;
/** So long a failure is the answer for whoever asks again, in ms. */
const failureMs = 1_000;
/** So long nothing is renewed once a new token was refused, in ms. */
const uselessMs = 30_000;
const mostRemembered = 10_000;

interface Remembered {
  readonly credentials: ClientCredentials;
  /** The last one, or the one that is under way. */
  token: Promise<AccessToken>;
  /** In ms of `performance.now()`; none before it has come. */
  endsAt: number;
  uselessUntil: number;
}

export function createAccessTokens({
  http,
  isUrlAllowed,
  onRequest = () => {},
}: {
  http: Pick<HttpClient, 'post'>;
  /** Whether the URL policy lets a token endpoint be asked. */
  isUrlAllowed: (url: string) => boolean;
  onRequest?: (outcome: 'succeeded' | 'failed') => void;
}): AccessTokens {
  const remembered = new Map<WebhookId, Remembered>();

  async function ask(credentials: ClientCredentials): Promise<TokenAnswer> {
    if (!isUrlAllowed(credentials.token_url)) {
      return { problem: 'the URL of the token endpoint is no longer permitted' };
    }
    const answer = await http.post({ url: credentials.token_url, ...tokenRequest(credentials), timeoutMs });
    const read = readTokenAnswer(answer);
    onRequest('token' in read ? 'succeeded' : 'failed');
    return read;
  }

  function request(webhook: WebhookId, credentials: ClientCredentials): Remembered {
    const askedAt = performance.now();
    const before = remembered.get(webhook);
    const one: Remembered = {
      credentials,
      endsAt: Number.POSITIVE_INFINITY,
      uselessUntil: before !== undefined && isOf(before, credentials) ? before.uselessUntil : 0,
      token: ask(credentials).then(
        (answer) => {
          if ('problem' in answer) {
            one.endsAt = performance.now() + failureMs;
            return answer;
          }
          one.endsAt = askedAt + answer.lifetimeMs - Math.min(mostMarginMs, answer.lifetimeMs / 10);
          return { token: answer.token, askedAt };
        },
        (error: unknown) => {
          one.endsAt = 0;
          throw error;
        },
      ),
    };
    remembered.delete(webhook);
    remembered.set(webhook, one);
    const [oldest] = remembered.keys();
    if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest);
    return one;
  }

  function current(webhook: WebhookId, credentials: ClientCredentials): Remembered {
    const known = remembered.get(webhook);
    const holds = known !== undefined && performance.now() < known.endsAt && isOf(known, credentials);
    return holds ? known : request(webhook, credentials);
  }

  function refusedNew(webhook: WebhookId) {
    const known = remembered.get(webhook);
    if (known !== undefined) known.uselessUntil = performance.now() + uselessMs;
  }

  return {
    get: (webhook, credentials) => current(webhook, credentials).token,

    async renew(webhook, credentials, refused) {
      const known = current(webhook, credentials);
      const token = await known.token;
      if (!('token' in token) || token.token !== refused) return token;
      if (performance.now() < known.uselessUntil) return undefined;
      // Whoever was told so at the same time has asked already.
      const isLast = remembered.get(webhook) === known;
      const next = await (isLast ? request(webhook, credentials) : current(webhook, credentials)).token;
      if (!('token' in next) || next.token !== refused) return next;
      refusedNew(webhook);
      return undefined;
    },

    refusedNew,
  };
}

function isOf({ credentials }: Remembered, others: ClientCredentials): boolean {
  return credentials === others || isDeepStrictEqual(credentials, others);
}
