import { isId, type WebhookId } from '../db/ids.ts';

/** What a consumer names a place in a webhook's queue by. */
export interface PullCursor {
  webhook_id: WebhookId;
  /** The place's number. */
  number: number;
  /** When it was handed out, in ms since 1970: from then on its attempt is counted. */
  at_ms: number;
}

/** Opaque to consumers. */
export function textOfCursor({ webhook_id, number, at_ms }: PullCursor): string {
  return Buffer.from(`${webhook_id}/${number}/${at_ms}`).toString('base64url');
}

/** Undefined for what `textOfCursor` did not make. */
export function cursorIn(text: string): PullCursor | undefined {
  const [, webhook = '', number, at] =
    /^([^/]+)\/([1-9]\d{0,14})\/(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  if (!isId('wh', webhook)) return undefined;
  const cursor = { webhook_id: webhook, number: Number(number), at_ms: Number(at) };
  return textOfCursor(cursor) === text ? cursor : undefined;
}
