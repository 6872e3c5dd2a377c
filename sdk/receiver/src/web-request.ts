import { collected, refusalOf, usualBodyBytes } from './node-request.ts';
import type { VerifiedWebhook, Verify } from './verify.ts';

/** Verifies a request of the Fetch standard, whose body nobody has read yet: the webhook, or the answer that refuses it. */
export async function verifyRequest(
  verify: Verify,
  request: Request,
  mostBytes = usualBodyBytes,
): Promise<VerifiedWebhook | Response> {
  try {
    return verify(await bodyOf(request, mostBytes), request.headers);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return Response.json(refusal.body, { status: refusal.status });
  }
}

async function bodyOf({ body }: Request, mostBytes: number): Promise<Uint8Array> {
  // Node’s streams can be iterated, which the standard’s own types do not say of all.
  return body === null
    ? new Uint8Array()
    : collected(body as unknown as AsyncIterable<Uint8Array>, mostBytes);
}
