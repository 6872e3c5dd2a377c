import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { idempotencyKeyOf } from '../../webhook/idempotency-key.ts';
import type { EventToSend } from '../../webhook/profile.ts';

/** An event to send, with what a test cares about. */
export function eventToSend(given: Partial<EventToSend> = {}): EventToSend {
  return {
    id: 'evt_1234567890',
    type: 'message.delivered',
    channel: null,
    createdAt: new Date('2025-01-15T10:25:03.417Z'),
    data: { message_id: 'msg_1234567890' },
    idempotencyKey: () => idempotencyKeyOf('evt_1234567890'),
    ...given,
  };
}

/** A file of golden/: the text of a document with the blanks between its JSON tokens taken out. */
export function golden(name: string): string {
  return readFileSync(new URL(`./golden/${name}.txt`, import.meta.url), 'utf8');
}

/** `verifySignature(payload, signature, secret)`, the code of seed 003 as it stands there. */
export const verifySignature: (payload: string | Buffer, signature: string, secret: string) => boolean =
  new Function('require', `${golden('seed-003-verifySignature.js')}; return verifySignature;`)(
    createRequire(import.meta.url),
  );
