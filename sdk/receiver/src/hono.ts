import { createVerifier, type VerifiedWebhook, type VerifierOptions } from './verify.ts';
import { verifyRequest } from './web-request.ts';

/** For `new Hono<WebhookEnv>()`, which then knows the type of `c.get('webhook')`. */
export interface WebhookEnv {
  Variables: { webhook: VerifiedWebhook };
}

/** As much of Hono as is used, so that it is no dependency. */
interface HonoContext {
  req: { raw: Request };
  set(name: 'webhook', value: VerifiedWebhook): void;
}

/**
 * Hono middleware: what follows it runs for verified requests alone, with `c.get('webhook')`. Others are answered 401, or 413.
 * `c.req.json()` works after it as well.
 */
export function verifyWebhooks(options: VerifierOptions & { readonly mostBodyBytes?: number }) {
  const verify = createVerifier(options);
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const { raw } = c.req;
    const outcome = await verifyRequest(verify, raw, options.mostBodyBytes);
    if (outcome instanceof Response) return outcome;
    c.set('webhook', outcome.webhook);
    // The handler may want to read the body, too.
    c.req.raw = new Request(raw.url, { method: raw.method, headers: raw.headers, body: outcome.body });
    await next();
    return undefined;
  };
}
