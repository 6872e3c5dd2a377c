import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { Sealer } from '../db/encryption.ts';
import type { Auth, Profile, ProfileName } from '../webhook/profile.ts';
import { profiles } from '../webhook/profiles.ts';
import type { RetrySchedule } from '../webhook/retry-schedule.ts';

/** How a webhook wants its requests: its profile with its own overrides, and its secrets in the clear. */
export interface Target {
  url: string;
  profile: Profile;
  retrySchedule: RetrySchedule;
  timeoutMs: number;
  /** Secrets that sign now, newest first. */
  secrets: string[];
  headers: Record<string, string>;
  auth: Auth;
}

/**
 * The target of a delivery.
 * @throws SecretUnreadable
 */
export function openTarget({ webhook }: LoadedDelivery, sealer: Sealer): Target {
  const profile = profiles[webhook.profile as ProfileName];
  const open = (sealed: string) => sealer.open(sealed, webhook.id);
  return {
    url: webhook.url,
    profile,
    retrySchedule: (webhook.retry_schedule as RetrySchedule | null) ?? profile.retrySchedule,
    timeoutMs: webhook.timeout_ms ?? profile.timeoutMs,
    secrets: webhook.secrets_sealed.map(open),
    headers: webhook.headers_sealed === null ? {} : JSON.parse(open(webhook.headers_sealed)),
    auth: webhook.auth_sealed === null ? { type: 'none' } : JSON.parse(open(webhook.auth_sealed)),
  };
}
