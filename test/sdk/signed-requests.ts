import type { ProfileName } from '../../webhook/profile.ts';
import { profiles } from '../../webhook/profiles.ts';
import { buildRequest } from '../../webhook/request.ts';
import { eventToSend } from '../webhook/events.ts';

/** A request as our own signer makes it, for whoever verifies it. */
export interface SignedRequest {
  readonly name: string;
  readonly scheme: 'standard-webhooks' | 'x-inbox-signature';
  readonly body: string;
  readonly headers: Record<string, string>;
  /** What it is verified with. */
  readonly secret: string;
  /** The moment of verifying, in s. */
  readonly now: number;
  readonly isGood: boolean;
}

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwQ2QyZ1VYbXo=';
const older = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDazcAQ3yJvX0=';

/** A request of now, or of that moment. Its data holds what is not ASCII. */
export function signed(
  profile: ProfileName,
  { secrets = [secret], attemptedAt = new Date() }: { secrets?: readonly string[]; attemptedAt?: Date } = {},
) {
  return buildRequest({
    profile: profiles[profile],
    event: eventToSend({ data: { text: 'Grüße 👋 \u2028', message_id: 'msg_1' } }),
    secrets,
    auth: { type: 'none' },
    headers: {},
    attemptedAt,
    userAgent: 'Postrider/test',
  });
}

/** Good ones and bad ones, which everybody who verifies has to tell apart. */
export function signedRequests(): SignedRequest[] {
  const attemptedAt = new Date('2026-01-15T10:25:03Z');
  const now = attemptedAt.getTime() / 1000;
  const plain = signed('inbox', { attemptedAt });
  const rotated = signed('standard', { attemptedAt, secrets: [secret, older] });
  const standard = { scheme: 'standard-webhooks', secret, now, isGood: true } as const;
  const inbox = { ...standard, scheme: 'x-inbox-signature' } as const;
  const bad = { isGood: false } as const;
  return [
    { ...standard, name: 'of the profile inbox', ...plain },
    { ...standard, name: 'of the profile standard', ...signed('standard', { attemptedAt }) },
    { ...standard, name: 'by the older of two secrets', ...rotated, secret: older },
    { ...standard, name: 'almost five minutes old', ...plain, now: now + 299 },
    { ...standard, ...bad, name: 'over five minutes old', ...plain, now: now + 301 },
    { ...standard, ...bad, name: 'of the future', ...plain, now: now - 301 },
    { ...standard, ...bad, name: 'with another body', ...plain, body: plain.body.replace('msg_1', 'msg_2') },
    { ...standard, ...bad, name: 'by another secret', ...plain, secret: older },
    {
      ...standard,
      ...bad,
      name: 'with another id',
      ...plain,
      headers: { ...plain.headers, 'webhook-id': 'evt_other' },
    },
    { ...standard, ...bad, name: 'without a signature', ...plain, headers: {} },
    { ...inbox, name: 'with X-Inbox-Signature', ...plain },
    { ...inbox, ...bad, name: 'with it, and another body', ...plain, body: `${plain.body} ` },
    { ...inbox, ...bad, name: 'without it', ...plain, headers: {} },
  ];
}
