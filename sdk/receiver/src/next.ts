import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeOptions } from './express.ts';
import { rawBodyOf, refusalOf, refuse, usualBodyBytes } from './node-request.ts';
import { createVerifier, type VerifiedWebhook } from './verify.ts';
import { verifyRequest } from './web-request.ts';

/**
 * A route handler of Next's App Router (`export const POST = webhookRoute(…)`), or of anything else that answers a `Request` by a
 * `Response`: the function runs for verified requests alone, and 204 is answered where it answers nothing. Others are answered 401, or 413.
 */
export function webhookRoute<Payload = unknown>(
  { mostBodyBytes = usualBodyBytes, ...options }: NodeOptions,
  handle: (webhook: VerifiedWebhook<Payload>, request: Request) => Promise<Response | undefined>,
): (request: Request) => Promise<Response> {
  const verify = createVerifier(options);
  return async (request) => {
    const outcome = await verifyRequest(verify, request, mostBodyBytes);
    if (outcome instanceof Response) return outcome;
    return (
      (await handle(outcome.webhook as VerifiedWebhook<Payload>, request)) ??
      new Response(null, { status: 204 })
    );
  };
}

/**
 * A handler of Next's pages (`pages/api/…`). Its file must say `export const config = { api: { bodyParser: false } }`, since the body's
 * bytes are what is verified. What is no POST is answered 405.
 */
export function webhookApi<Payload = unknown>(
  { mostBodyBytes = usualBodyBytes, ...options }: NodeOptions,
  handle: (
    webhook: VerifiedWebhook<Payload>,
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<void>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const verify = createVerifier(options);
  return async (request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405, { allow: 'POST' }).end();
      return;
    }
    let webhook: VerifiedWebhook<Payload>;
    try {
      webhook = verify<Payload>(await rawBodyOf(request, mostBodyBytes), request.headers);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      refuse(response, refusal);
      return;
    }
    await handle(webhook, request, response);
    if (!response.writableEnded) response.writeHead(204).end();
  };
}
