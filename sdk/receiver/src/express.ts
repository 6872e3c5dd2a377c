import type { IncomingMessage, ServerResponse } from 'node:http';
import { rawBodyOf, refusalOf, refuse, usualBodyBytes } from './node-request.ts';
import { createVerifier, type VerifiedWebhook, type VerifierOptions } from './verify.ts';

declare global {
  namespace Express {
    interface Request {
      /** What `verifyWebhooks` has verified. */
      webhook?: VerifiedWebhook;
    }
  }
}

export interface NodeOptions extends VerifierOptions {
  /** @default 1 MiB */
  readonly mostBodyBytes?: number;
}

type Next = (error?: unknown) => void;

/**
 * Express middleware: what follows it runs for verified requests alone, with `request.webhook`, and the payload as `request.body`.
 * Others are answered 401, or 413. It reads the body itself, or takes that of `express.raw()`; it must stand before `express.json()`.
 */
export function verifyWebhooks({ mostBodyBytes = usualBodyBytes, ...options }: NodeOptions) {
  const verify = createVerifier(options);
  return async (
    request: IncomingMessage & { body?: unknown; rawBody?: unknown; webhook?: VerifiedWebhook },
    response: ServerResponse,
    next: Next,
  ): Promise<void> => {
    try {
      const webhook = verify(await rawBodyOf(request, mostBodyBytes), request.headers);
      request.webhook = webhook;
      request.body = webhook.payload;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) next(error);
      else refuse(response, refusal);
      return;
    }
    next();
  };
}
