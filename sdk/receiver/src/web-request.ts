import { collected, refusalOf, usualBodyBytes } from './node-request.ts';
import type { VerifiedWebhook, Verify } from './verify.ts';

/** What was verified, and the bytes that it came in: the request's own body has been read. */
export interface VerifiedRequest {
  webhook: VerifiedWebhook;
  body: Uint8Array<ArrayBuffer>;
}

/** Verifies a request of the Fetch standard, whose body nobody has read yet; or else the answer that refuses it. */
export async function verifyRequest(
  verify: Verify,
  request: Request,
  mostBytes = usualBodyBytes,
): Promise<VerifiedRequest | Response> {
  try {
    const body = await bodyOf(request, mostBytes);
    return { webhook: verify(body, request.headers), body };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return Response.json(refusal.body, { status: refusal.status });
  }
}

async function bodyOf({ body }: Request, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  // Node’s streams can be iterated, which the standard’s own types do not say of all.
  return body === null
    ? new Uint8Array()
    : collected(body as unknown as AsyncIterable<Uint8Array>, mostBytes);
}
