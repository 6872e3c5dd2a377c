import { findAccountName } from '../db/accounts.ts';
import { type Caller, hashApiKey } from '../db/api-keys.ts';
import { closeSession, openSession } from '../db/sessions.ts';
import { generateToken } from '../db/tokens.ts';
import { Problem } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import { newSessionSchema, sessionSchema } from './session.schemas.ts';
import { endedSessionCookie, sessionCookie } from './session-cookie.ts';

const tag = 'Session';

const postSession = route({
  method: 'post',
  path: '/v1/session',
  name: 'signIn',
  tag,
  summary: 'Sign a browser in',
  description:
    'With an API key, or with the token of a portal link. The session’s cookie is HttpOnly and SameSite=Strict; it lasts for ' +
    '24 hours, and no longer than the key or the link. A session that the browser had ends.',
  access: 'public',
  isSameOrigin: true,
  body: newSessionSchema,
  responses: { 200: { description: 'The session; its cookie comes with it', schema: sessionSchema } },
  problems: {
    401: 'The key or the token is not known, was revoked, or has expired',
    403: 'The request comes from a page of another site',
    503: 'The database is not available',
  },
  async handle(services, { body, sessionHash }) {
    const { db, settings, now } = services;
    const token = generateToken('session');
    const proof =
      'api_key' in body
        ? { api_key_hash: hashApiKey(body.api_key) }
        : { portal_hash: hashApiKey(body.portal_token) };
    const hash = hashApiKey(token);
    const caller = await openSession(db, proof, { hash, replaces: sessionHash, now: now() });
    if (caller === undefined || caller.expires_at === null) {
      throw new Problem({
        status: 401,
        code: 'unauthorized',
        detail:
          'api_key' in body
            ? 'The API key is not known, or it was revoked'
            : 'The link is not known, has expired, or was revoked',
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    if (sessionHash !== undefined) services.forgetCallers();
    const cookie = sessionCookie(token, { expires: caller.expires_at, isHttps: isHttps(settings) });
    return { status: 200, body: await shownSession(services, caller), headers: { 'Set-Cookie': cookie } };
  },
});

const getSession = route({
  method: 'get',
  path: '/v1/session',
  name: 'getSession',
  tag,
  summary: 'Get who is signed in',
  access: 'account',
  scope: null,
  responses: { 200: { description: 'Who asks, and what they may', schema: sessionSchema } },
  async handle(services, { caller }) {
    return { status: 200, body: await shownSession(services, caller) };
  },
});

const deleteSession = route({
  method: 'delete',
  path: '/v1/session',
  name: 'signOut',
  tag,
  summary: 'Sign a browser out',
  description: 'Of a request with an API key nothing ends.',
  access: 'account',
  scope: null,
  responses: { 204: { description: 'The session has ended' } },
  async handle({ db, settings, forgetCallers }, { sessionHash }) {
    if (sessionHash !== undefined) await closeSession(db, sessionHash);
    forgetCallers();
    return { status: 204, headers: { 'Set-Cookie': endedSessionCookie({ isHttps: isHttps(settings) }) } };
  },
});

async function shownSession({ db, settings }: Services, caller: Caller) {
  const { by, account_id, scopes, expires_at, is_first_account } = caller;
  return {
    account: { id: account_id, name: (await findAccountName(db, account_id)) ?? '' },
    via: by.kind,
    read_only: by.kind === 'portal_link' && by.read_only,
    is_admin: is_first_account && scopes.includes('admin'),
    scopes,
    expires_at,
    // It shows what is every account's.
    temporal_ui_url: is_first_account ? (settings.temporalUiUrl ?? null) : null,
    temporal_namespace: settings.temporalNamespace,
    version: settings.version,
    postrider_url: settings.publicUrl,
  };
}

function isHttps({ publicUrl }: Services['settings']): boolean {
  return publicUrl.startsWith('https:');
}

export const sessionRoutes: Route[] = [postSession, getSession, deleteSession];
