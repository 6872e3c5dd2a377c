import { BodyTooLarge, refusalOf, usualBodyBytes } from './node-request.ts';
import type { VerifiedWebhook, Verify } from './verify.ts';

/** Verifies a request of the Fetch standard, whose body nobody has read yet: the webhook, or the answer that refuses it. */
export async function verifyRequest(
  verify: Verify,
  request: Request,
  mostBytes = usualBodyBytes,
): Promise<VerifiedWebhook | Response> {
  try {
    if (Number(request.headers.get('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes);
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > mostBytes) throw tooLarge(mostBytes);
    return verify(body, request.headers);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return Response.json(refusal.body, { status: refusal.status });
  }
}

function tooLarge(mostBytes: number): BodyTooLarge {
  return new BodyTooLarge(`a body of more than ${mostBytes} bytes`);
}
