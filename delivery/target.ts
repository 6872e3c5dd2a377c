import type { LoadedWebhook } from '../db/due-deliveries.ts';
import type { Sealer } from '../db/encryption.ts';
import type { WebhookId } from '../db/ids.ts';
import type { Cidr } from '../webhook/address-policy.ts';
import { certificateDetails } from '../webhook/client-certificate.ts';
import type { Auth, Profile, ProfileName } from '../webhook/profile.ts';
import { profiles } from '../webhook/profiles.ts';
import type { RetrySchedule } from '../webhook/retry-schedule.ts';
import { parseSecret, type SigningSecret } from '../webhook/secrets.ts';
import { checkUrl } from '../webhook/url-policy.ts';
import type { OwnTls } from './own-agents.ts';

/** How a webhook wants its requests: its profile with its own overrides, and its secrets in the clear. */
export interface Target {
  /** Empty where deliveries are pulled. */
  url: string;
  /** Whether the URL policy lets anything be sent there. */
  isUrlAllowed: boolean;
  profile: Profile;
  retrySchedule: RetrySchedule;
  timeoutMs: number;
  /** Secrets that sign now, newest first. */
  secrets: SigningSecret[];
  headers: Record<string, string>;
  auth: Auth;
  /** Undefined for what all connections have. */
  tls: OwnTls | undefined;
  /** When its client certificate ends, in ms since 1970; infinite without one. */
  certificateEndsAt: number;
}

/** Makes targets of webhooks as they are stored. */
export interface TargetOpener {
  /** @throws SecretUnreadable */
  open(webhook: LoadedWebhook): Target;
}

const mostRemembered = 10_000;

/** What of a target is costly to make, with what it was made of. */
type Costly = Pick<Target, 'isUrlAllowed' | 'secrets' | 'headers' | 'auth' | 'tls' | 'certificateEndsAt'>;

/** An opener that remembers what it has decrypted and read for as long as the webhook stays as it is. */
export function createTargetOpener({
  sealer,
  allowedPrivateCidrs,
}: {
  sealer: Sealer;
  allowedPrivateCidrs: readonly Cidr[];
}): TargetOpener {
  const remembered = new Map<WebhookId, { of: LoadedWebhook; costly: Costly }>();

  function make(webhook: LoadedWebhook, profile: Profile): Costly {
    const open = (sealed: string) => sealer.open(sealed, webhook.id);
    const tls: OwnTls | undefined =
      webhook.tls_sealed === null
        ? undefined
        : { owner: webhook.id, ...JSON.parse(open(webhook.tls_sealed)) };
    return {
      isUrlAllowed:
        webhook.url !== null &&
        checkUrl(webhook.url, { httpsOnly: profile.httpsOnly, allowedPrivateCidrs }).ok,
      secrets: webhook.secrets_sealed.map((sealed) => parseSecret(open(sealed))),
      headers: webhook.headers_sealed === null ? {} : JSON.parse(open(webhook.headers_sealed)),
      auth: webhook.auth_sealed === null ? { type: 'none' } : JSON.parse(open(webhook.auth_sealed)),
      tls,
      certificateEndsAt: tls?.client_certificate
        ? certificateDetails(tls.client_certificate).not_after.getTime()
        : Number.POSITIVE_INFINITY,
    };
  }

  function recall(webhook: LoadedWebhook, profile: Profile): Costly {
    const known = remembered.get(webhook.id);
    if (known !== undefined && isSame(known.of, webhook)) return known.costly;
    const costly = make(webhook, profile);
    remembered.delete(webhook.id);
    remembered.set(webhook.id, { of: webhook, costly });
    const [oldest] = remembered.keys();
    if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest);
    return costly;
  }

  return {
    open(webhook) {
      const rules = rulesOf(webhook);
      return { url: webhook.url ?? '', ...rules, ...recall(webhook, rules.profile) };
    },
  };
}

/** What holds for a webhook's attempts, without its secrets. */
export function rulesOf(
  webhook: Pick<LoadedWebhook, 'profile' | 'retry_schedule' | 'timeout_ms'>,
): Pick<Target, 'profile' | 'retrySchedule' | 'timeoutMs'> {
  const profile = profiles[webhook.profile as ProfileName];
  return {
    profile,
    retrySchedule: (webhook.retry_schedule as RetrySchedule | null) ?? profile.retrySchedule,
    timeoutMs: webhook.timeout_ms ?? profile.timeoutMs,
  };
}

function isSame(a: LoadedWebhook, b: LoadedWebhook): boolean {
  return (
    a.url === b.url &&
    a.profile === b.profile &&
    a.headers_sealed === b.headers_sealed &&
    a.auth_sealed === b.auth_sealed &&
    a.tls_sealed === b.tls_sealed &&
    a.secrets_sealed.length === b.secrets_sealed.length &&
    a.secrets_sealed.every((sealed, index) => sealed === b.secrets_sealed[index])
  );
}
