import { isIP } from 'node:net';
import { type Cidr, describeAddress, isAddressAllowed, isListedAddress } from './address-policy.ts';

/** The longest URL of a webhook, in characters. */
export const MAX_URL_CHARS = 2_048;

/**
 * Ports where something else than HTTP listens, which a POST could be made to talk to: the Fetch standard's
 * "bad ports", and those of widespread databases and caches.
 */
export const blockedPorts: ReadonlySet<number> = new Set([
  ...[0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103],
  ...[
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
  ],
  ...[515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723],
  ...[2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
  ...[1433, 1521, 3306, 5432, 6379, 9042, 11211, 27017],
]);

export type UrlProblemCode =
  | 'url_invalid'
  | 'url_scheme'
  | 'url_too_long'
  | 'url_credentials'
  | 'url_port'
  | 'url_address'
  | 'url_https_required';

/** Why a URL is refused. The detail holds none of its path, query or credentials. */
export interface UrlProblem {
  readonly code: UrlProblemCode;
  readonly detail: string;
}

export type UrlCheck =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly problem: UrlProblem };

export interface UrlPolicy {
  /** The profile's: plain http only to an address in `allowedPrivateCidrs`. */
  readonly httpsOnly: boolean;
  readonly allowedPrivateCidrs: readonly Cidr[];
}

// Seed 004's own reason.
const NOT_PUBLIC = 'the URL must be publicly available (localhost URLs cannot receive events)';

/** Of the URLs that access tokens are got from: always encrypted (RFC 6749, section 3.2), as far as it leaves the operator's network. */
export function tokenUrlPolicy(allowedPrivateCidrs: readonly Cidr[]): UrlPolicy {
  return { httpsOnly: true, allowedPrivateCidrs };
}

/**
 * Whether webhooks may be sent to the URL as far as its text tells, whatever spelling an address has in it. A host name
 * other than `localhost` is taken: the address check at each connection decides (delivery/http-client.ts).
 */
export function checkUrl(text: string, policy: UrlPolicy): UrlCheck {
  if (text.length > MAX_URL_CHARS) return refused('url_too_long', `at most ${MAX_URL_CHARS} characters`);
  // URL would quietly remove blanks and control characters, and add missing slashes.
  if (/[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) return refused('url_invalid', 'not a URL');
  const url = new URL(text);
  if (!/^https?:\/\//i.test(text)) return refused('url_scheme', 'only http:// and https:// URLs');
  if (url.username !== '' || url.password !== '') {
    return refused('url_credentials', 'no user name or password in the URL: use auth');
  }
  if (blockedPorts.has(portOf(url))) {
    return refused('url_port', `port ${portOf(url)} is not one that receives webhooks`);
  }
  return checkHost(url, policy);
}

/** The URL's port, the scheme's own where it names none. */
function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** The URL's host as an address or a name: without brackets and without the root's full stop. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function checkHost(url: URL, { httpsOnly, allowedPrivateCidrs }: UrlPolicy): UrlCheck {
  const host = hostOf(url);
  const addresses = addressesIn(host);
  if (addresses.length > 0 && !addresses.some((ip) => isAddressAllowed(ip, allowedPrivateCidrs))) {
    const what = isIP(host) === 0 ? 'this machine' : describeAddress(host);
    return refused('url_address', `${NOT_PUBLIC}: the host is ${what}`);
  }
  if (
    httpsOnly &&
    url.protocol === 'http:' &&
    !addresses.some((ip) => isListedAddress(ip, allowedPrivateCidrs))
  ) {
    return refused('url_https_required', 'only https:// URLs: plain http is not encrypted');
  }
  return { ok: true, url };
}

/** The addresses that the host is, without asking DNS: its own, or those of `localhost` (RFC 6761, section 6.3). */
function addressesIn(host: string): string[] {
  if (isIP(host) !== 0) return [host];
  return /(^|\.)localhost$/.test(host) ? ['127.0.0.1', '::1'] : [];
}

function refused(code: UrlProblemCode, detail: string): UrlCheck {
  return { ok: false, problem: { code, detail } };
}
