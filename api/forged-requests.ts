import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from './problems.ts';

/** What the dashboard sends with every request that changes something. Pages of other sites cannot send it without asking. */
export const requestHeader = { name: 'X-Postrider-Request', value: 'dashboard' } as const;

/**
 * Refuses what a browser sends for a page of another site, or may have been made to send: the session's cookie alone does not
 * show that the user wants it.
 * @throws Problem 403 `csrf`
 */
export function assertFromDashboard(headers: IncomingHttpHeaders, publicUrl: string): void {
  if (headers[requestHeader.name.toLowerCase()] !== requestHeader.value) {
    throw forged(`Send the header ${requestHeader.name}: ${requestHeader.value} with a session`);
  }
  assertSameOrigin(headers, publicUrl);
}

/** @throws Problem 403 `csrf` for what a browser sends for a page of another site */
export function assertSameOrigin(headers: IncomingHttpHeaders, publicUrl: string): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  const isOfOtherSite = site !== undefined && !['same-origin', 'none'].includes(String(site));
  // A proxy in front may ask under another host than the browser did.
  const isOfOtherOrigin =
    origin !== undefined && hostOf(origin) !== host && hostOf(origin) !== hostOf(publicUrl);
  if (isOfOtherSite || isOfOtherOrigin) throw forged('The request comes from a page of another site');
}

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

function forged(detail: string): Problem {
  return new Problem({ status: 403, code: 'csrf', detail });
}
