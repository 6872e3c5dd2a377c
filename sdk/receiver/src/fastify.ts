import type {} from 'fastify';
import { refusalOf, usualBodyBytes } from './node-request.ts';
import { createVerifier, type HeadersLike, type VerifiedWebhook, type VerifierOptions } from './verify.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `verifyWebhooks` has verified. */
    webhook: VerifiedWebhook;
  }
}

export interface FastifyOptions extends VerifierOptions {
  /** @default 1 MiB */
  readonly mostBodyBytes?: number;
}

/** As much of Fastify as is used, so that it is no dependency. */
interface Scope {
  addContentTypeParser(
    type: string,
    options: { parseAs: 'buffer'; bodyLimit: number },
    parser: (request: unknown, body: Uint8Array, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  decorateRequest(name: string, value: null): unknown;
  addHook(name: 'preHandler', hook: (request: ScopeRequest, reply: ScopeReply) => Promise<unknown>): unknown;
}

interface ScopeRequest {
  headers: HeadersLike;
  body: unknown;
  webhook?: VerifiedWebhook;
}

interface ScopeReply {
  code(status: number): { send(body: unknown): unknown };
}

/**
 * Fastify plugin: the routes of the scope that it is registered in run for verified requests alone, with `request.webhook`, and the
 * payload as `request.body`. Others are answered 401. JSON is parsed by it in that scope, since it needs the body's bytes.
 */
export function verifyWebhooks(
  scope: Scope,
  { mostBodyBytes = usualBodyBytes, ...options }: FastifyOptions,
  done: () => void,
): void {
  const verify = createVerifier(options);
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: mostBodyBytes },
    (_request, body, done) => done(null, body),
  );
  scope.decorateRequest('webhook', null);
  scope.addHook('preHandler', async (request, reply) => {
    try {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      const webhook = verify(body, request.headers);
      request.webhook = webhook;
      request.body = webhook.payload;
      return undefined;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      return reply.code(refusal.status).send(refusal.body);
    }
  });
  done();
}

// Fastify would keep what a plugin adds to itself: this one is for the scope that registers it.
Object.assign(verifyWebhooks, { [Symbol.for('skip-override')]: true });
