import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { type Answer, nothingSent } from '../webhook/answer.ts';
import type { SentAuth } from '../webhook/profile.ts';
import { buildRequest, redactHeaders } from '../webhook/request.ts';
import { UnsendableEventError } from '../webhook/unsendable-event.ts';
import type { AccessTokens } from './access-tokens.ts';
import { eventToSend } from './event-to-send.ts';
import { hasExpired } from './expirer.ts';
import type { Expressions } from './expressions.ts';
import type { HttpClient } from './http-client.ts';
import { postWithToken, type Sent } from './post-with-token.ts';
import { bodyOf } from './shaped-body.ts';
import type { Target } from './target.ts';

/** What was sent, and what came back. */
export interface Posted {
  /** Secret values already replaced; none where nothing was sent. */
  headers: Record<string, string>;
  /** Where a transformation made it; null where the profile did, or nothing was sent. */
  body: string | null;
  answer: Answer;
}

/** The event expired while its body or a token was waited for. */
class ExpiredMeanwhile extends Error {
  override readonly name = 'ExpiredMeanwhile';
}

/**
 * Makes the request of a delivery's attempt and sends it. What cannot be sent is answered as a failure; undefined when the event
 * expired before anything was sent.
 */
export async function postDelivery(
  delivery: LoadedDelivery,
  target: Target,
  attemptedAt: Date,
  {
    http,
    tokens,
    expressions,
    userAgent,
  }: {
    http: HttpClient;
    tokens: AccessTokens;
    expressions: Pick<Expressions, 'transform'>;
    userAgent: string;
  },
): Promise<Posted | undefined> {
  if (!target.isUrlAllowed) return notSent(nothingSent('url_refused'));
  if (target.certificateEndsAt <= attemptedAt.getTime()) return notSent(nothingSent('certificate_expired'));
  const { auth: credentials, timeoutMs } = target;
  try {
    const event = eventToSend(delivery.event);
    const body = await bodyOf(expressions, delivery, target.profile, event);
    if (typeof body !== 'string') return notSent(body);
    let isSent = false;
    const send = async (auth: SentAuth, timeoutMs: number): Promise<Sent> => {
      if (!isSent && hasExpired(delivery)) throw new ExpiredMeanwhile();
      isSent = true;
      const { profile, secrets, headers: own } = target;
      const request = buildRequest({
        profile,
        event,
        body,
        secrets,
        auth,
        headers: own,
        attemptedAt,
        userAgent,
      });
      const { headers } = request;
      const answer = await http.post({ url: target.url, headers, body, timeoutMs, tls: target.tls });
      return { headers: redactHeaders(headers, Object.keys(own)), answer };
    };
    const sent =
      credentials.type === 'oauth2'
        ? await postWithToken(
            tokens,
            { webhook: delivery.webhook.id, credentials, timeoutMs, isOver: () => hasExpired(delivery) },
            send,
          )
        : await send(credentials, timeoutMs);
    return { ...sent, body: delivery.webhook.transformation === null ? null : body };
  } catch (error) {
    if (error instanceof ExpiredMeanwhile) return undefined;
    if (!(error instanceof UnsendableEventError)) throw error;
    return notSent(nothingSent('unsendable'));
  }
}

export function notSent(answer: Answer): Posted {
  return { headers: {}, body: null, answer };
}
