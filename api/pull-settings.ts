import type { WebhookSettings } from '../db/webhooks.ts';
import { conflict, type FieldError } from './problems.ts';

/** What is for requests that are sent, and so for a webhook with a URL alone. */
const ofUrl = [
  ...(['headers', 'auth', 'client_certificate', 'server_ca'] as const),
  ...(['health', 'rate_limit', 'max_in_flight', 'ordering', 'on_failure'] as const),
];

/** What does not go with a webhook's having a URL, or none; and with what it had before. */
export function pullErrors(
  settings: Pick<WebhookSettings, 'url' | 'lapses_after_s' | (typeof ofUrl)[number]>,
  before: string | null | undefined,
): FieldError[] {
  const { url, lapses_after_s } = settings;
  if (before !== undefined && (before === null) !== (url === null)) {
    const detail =
      before === null
        ? 'is null and stays so: a webhook whose deliveries are pulled cannot get a URL'
        : 'must be a URL: a webhook that has one keeps having one';
    return [{ pointer: '/url', detail }];
  }
  if (url !== null) {
    const detail = 'is for a webhook without a URL (url: null)';
    return lapses_after_s === null ? [] : [{ pointer: '/lapses_after_s', detail }];
  }
  return ofUrl
    .filter((name) => !isUnset(settings, name))
    .map((name) => ({
      pointer: `/${name}`,
      detail: 'is for a webhook with a URL: to this one nothing is sent',
    }));
}

function isUnset(settings: Pick<WebhookSettings, (typeof ofUrl)[number]>, name: (typeof ofUrl)[number]) {
  if (name === 'headers') return Object.keys(settings.headers).length === 0;
  if (name === 'auth') return settings.auth.type === 'none';
  if (name === 'on_failure') return settings.on_failure === 'skip';
  return settings[name] === null;
}

/** @throws Problem 409 for a webhook without a URL: there is nothing that could be enabled, disabled or recovered */
export function assertHasUrl({ url }: { url: string | null }): void {
  if (url !== null) return;
  throw conflict('webhook_without_url', 'The webhook has no URL: its deliveries are pulled, none is held');
}
