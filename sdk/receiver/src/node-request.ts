import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VerificationError } from './verification-error.ts';

/** The longest body that is read, in bytes, unless it is said otherwise. */
export const usualBodyBytes = 1024 * 1024;

/** The body is longer than is read. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** What has parsed the body has not kept its bytes, without which nothing can be verified. */
export class RawBodyMissing extends Error {
  override readonly name = 'RawBodyMissing';
}

/**
 * The bytes of a request's body: those that a parser has left in `rawBody` or `body`, or else read from the connection.
 * @throws BodyTooLarge, RawBodyMissing
 */
export async function rawBodyOf(
  request: IncomingMessage & { body?: unknown; rawBody?: unknown },
  mostBytes: number,
): Promise<string | Uint8Array> {
  for (const kept of [request.rawBody, request.body]) {
    if (typeof kept === 'string' || kept instanceof Uint8Array) return kept;
  }
  if (request.readableEnded || request.readableDidRead) {
    throw new RawBodyMissing(
      'the body was parsed before it was verified: mount this before any body parser, or keep the bytes in request.rawBody',
    );
  }
  // Otherwise the connection would go with what is not read, before the sender is told why.
  return collected(request.iterator({ destroyOnReturn: false }), mostBytes);
}

/** All the bytes of a stream; what is longer is not read to its end. @throws BodyTooLarge */
export async function collected(
  stream: AsyncIterable<Uint8Array>,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new BodyTooLarge(`a body of more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What a sender whose request is refused is told: 401, or 413. Undefined for what is no fault of the sender's. */
export function refusalOf(
  error: unknown,
): { status: number; body: { error: string; code: string } } | undefined {
  if (error instanceof VerificationError) {
    return { status: 401, body: { error: error.message, code: error.code } };
  }
  if (error instanceof BodyTooLarge)
    return { status: 413, body: { error: error.message, code: 'too_large' } };
  return undefined;
}

/** Answers with the refusal. */
export function refuse(
  response: ServerResponse,
  { status, body }: NonNullable<ReturnType<typeof refusalOf>>,
): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
