import { actorOf, createApiKey, listApiKeys, revokeApiKey } from '../db/api-keys.ts';
import {
  apiKeyPageSchema,
  apiKeyParams,
  apiKeyQuery,
  createdApiKeySchema,
  newApiKeySchema,
  usualScopes,
} from './api-keys.schemas.ts';
import { pageOf } from './fields.schemas.ts';
import { conflict, invalidBody, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';

const tag = 'API keys';

const postApiKey = route({
  method: 'post',
  path: '/v1/api-keys',
  name: 'createApiKey',
  tag,
  summary: 'Make an API key',
  description: 'With scopes, so that whoever has it can do what it is meant for, and no more.',
  access: 'account',
  scope: 'admin',
  body: newApiKeySchema,
  responses: { 201: { description: 'The key, shown here only', schema: createdApiKeySchema } },
  async handle({ db, now }, { body, caller }) {
    const { name, expires_at } = body;
    if (expires_at && expires_at <= now()) {
      throw invalidBody([{ pointer: '/expires_at', detail: 'must not be over' }]);
    }
    const options = { scopes: [...new Set(body.scopes ?? usualScopes)], expires_at };
    const key = await createApiKey(db, caller.account_id, name, actorOf(caller), options);
    return { status: 201, body: key };
  },
});

const getApiKeys = route({
  method: 'get',
  path: '/v1/api-keys',
  name: 'listApiKeys',
  tag,
  summary: 'List API keys, newest first, revoked ones included',
  access: 'account',
  scope: 'admin',
  query: apiKeyQuery,
  responses: { 200: { description: 'A page of keys', schema: apiKeyPageSchema } },
  async handle({ db }, { query, caller }) {
    return { status: 200, body: await listApiKeys(db, caller.account_id, pageOf(query)) };
  },
});

const deleteApiKey = route({
  method: 'delete',
  path: '/v1/api-keys/{id}',
  name: 'revokeApiKey',
  tag,
  summary: 'Revoke an API key',
  description: 'It is refused at once; other processes than the one that answers may take it for 5 s more.',
  access: 'account',
  scope: 'admin',
  params: apiKeyParams,
  responses: { 204: { description: 'It is revoked' } },
  problems: { 409: 'It is the account’s last key that is good for everything, for ever' },
  async handle({ db, now, forgetCallers }, { params, caller }) {
    const outcome = await revokeApiKey(db, caller.account_id, params.id, {
      actor: actorOf(caller),
      now: now(),
    });
    if (outcome === 'not_found') throw notFound('API key');
    if (outcome === 'last_key') {
      throw conflict(
        'last_api_key',
        'It is the last key of its account that is good for everything, for ever: make another one first',
      );
    }
    forgetCallers();
    return { status: 204 };
  },
});

export const apiKeyRoutes: Route[] = [postApiKey, getApiKeys, deleteApiKey];
