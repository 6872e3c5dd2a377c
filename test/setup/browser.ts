import type { RequestOptions, TestApi } from './api.ts';

/** What the dashboard sends with what changes something. */
export const fromDashboard = { 'X-Postrider-Request': 'dashboard' };

/** A browser that is signed in: it sends its cookie, and what the dashboard sends with it. */
export async function signIn(api: Pick<TestApi, 'request'>, proof: object) {
  const answer = await api.request('POST', '/v1/session', { body: proof, key: null });
  if (answer.status !== 200) throw new Error(`signing in was answered ${answer.status}: ${answer.text}`);
  const cookie = cookieOf(answer);
  return {
    session: answer.json,
    cookie,
    ask: (method: string, path: string, options: RequestOptions = {}) =>
      api.request(method, path, {
        ...options,
        key: null,
        headers: { cookie, ...fromDashboard, ...options.headers },
      }),
  };
}

/** As a browser sends it back. */
export function cookieOf({ headers }: { headers: Headers }): string {
  return (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Signed in by a new portal link. */
export async function openPortal(api: Pick<TestApi, 'request'>, link: object, key?: string) {
  const made = await api.request('POST', '/v1/portal-links', {
    body: { expires_in: 3_600, ...link },
    ...(key === undefined ? {} : { key }),
  });
  if (made.status !== 201) throw new Error(`the link was refused: ${made.text}`);
  return { link: made.json, ...(await signIn(api, { portal_token: tokenIn(made.json.url) })) };
}

/** What stands after # in a portal link. */
export function tokenIn(url: string): string {
  return new URL(url).hash.slice(1);
}
