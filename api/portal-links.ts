import { actorOf, hashApiKey } from '../db/api-keys.ts';
import { createPortalLink, revokePortalLink } from '../db/portal-links.ts';
import { generateToken } from '../db/tokens.ts';
import { newPortalLinkSchema, portalLinkParams, portalLinkSchema } from './portal-links.schemas.ts';
import { invalidBody, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';

const tag = 'Portal links';

const postPortalLink = route({
  method: 'post',
  path: '/v1/portal-links',
  name: 'createPortalLink',
  tag,
  summary: 'Make a link that opens the dashboard for one account, for a time',
  description:
    'For a platform to give to its customer. Who opens it sees that account alone and touches neither keys nor links nor ' +
    'accounts; with `read_only` nothing at all can be changed, nor a signing secret be seen. It can be opened any number of ' +
    'times until it expires, and ends with the API key that made it.',
  access: 'account',
  scope: 'admin',
  body: newPortalLinkSchema,
  responses: { 201: { description: 'The link, shown here only', schema: portalLinkSchema } },
  async handle({ db, settings, now }, { body, caller }) {
    const { account_id = caller.account_id, expires_in, read_only = false } = body;
    const detail = 'there is no such account';
    const isAllowed = account_id === caller.account_id || caller.is_first_account;
    if (!isAllowed || caller.by.kind !== 'api_key') throw invalidBody([{ pointer: '/account_id', detail }]);
    const token = generateToken('portal');
    const link = await createPortalLink(
      db,
      {
        ...{ account_id, read_only, hash: hashApiKey(token), api_key_id: caller.by.id },
        expires_at: new Date(now().getTime() + expires_in * 1_000),
      },
      actorOf(caller),
    );
    if (link === undefined) throw invalidBody([{ pointer: '/account_id', detail }]);
    return { status: 201, body: { url: `${settings.publicUrl}/portal#${token}`, ...link } };
  },
});

const deletePortalLink = route({
  method: 'delete',
  path: '/v1/portal-links/{id}',
  name: 'revokePortalLink',
  tag,
  summary: 'Revoke a portal link',
  description: 'It and the sessions that it opened end at once.',
  access: 'account',
  scope: 'admin',
  params: portalLinkParams,
  responses: { 204: { description: 'It is revoked' } },
  async handle({ db, now, forgetCallers }, { params, caller }) {
    const change = { actor: actorOf(caller), now: now() };
    if (!(await revokePortalLink(db, caller.account_id, params.id, change))) throw notFound('portal link');
    forgetCallers();
    return { status: 204 };
  },
});

export const portalLinkRoutes: Route[] = [postPortalLink, deletePortalLink];
