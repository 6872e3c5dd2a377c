import { type Account, createAccount, findAccount, listAccounts, updateAccount } from '../db/accounts.ts';
import { mostEventTypes } from '../db/event-types.ts';
import { mostSigningSecrets } from '../db/webhook-secrets.ts';
import {
  accountChangeSchema,
  accountPageSchema,
  accountParams,
  accountQuery,
  accountSchema,
  createdAccountSchema,
  newAccountSchema,
} from './accounts.schemas.ts';
import { mostBatchBytes, mostBatchedEvents, mostEventBytes } from './event-batches.schemas.ts';
import { pageOf } from './fields.schemas.ts';
import { notFound, Problem } from './problems.ts';
import { type Route, route } from './routes.ts';

const tag = 'Accounts';

const postAccount = route({
  method: 'post',
  path: '/v1/accounts',
  name: 'createAccount',
  tag,
  summary: 'Make an account with its first API key',
  description: 'Only a key of the first account may do this.',
  access: 'first account',
  scope: 'admin',
  body: newAccountSchema,
  responses: {
    201: { description: 'The account; its key is shown here only', schema: createdAccountSchema },
  },
  async handle({ db }, { body, caller }) {
    const { api_key, ...account } = await createAccount(db, body.name, caller);
    return { status: 201, body: { ...shown(account), api_key } };
  },
});

const getAccounts = route({
  method: 'get',
  path: '/v1/accounts',
  name: 'listAccounts',
  tag,
  summary: 'List accounts, newest first',
  description: 'Only a key of the first account may do this.',
  access: 'first account',
  scope: 'admin',
  query: accountQuery,
  responses: { 200: { description: 'A page of accounts', schema: accountPageSchema } },
  async handle({ db }, { query }) {
    const page = await listAccounts(db, pageOf(query));
    return { status: 200, body: { ...page, data: page.data.map(shown) } };
  },
});

const getAccount = route({
  method: 'get',
  path: '/v1/accounts/{id}',
  name: 'getAccount',
  tag,
  summary: 'Get an account and what it is limited to',
  description: 'A key may see its own account, and one of the first account any.',
  access: 'account',
  isForKeysOnly: true,
  params: accountParams,
  responses: { 200: { description: 'The account', schema: accountSchema } },
  async handle({ db }, { params, caller }) {
    const isAllowed = params.id === caller.account_id || caller.is_first_account;
    const account = isAllowed ? await findAccount(db, params.id) : undefined;
    if (account === undefined) throw notFound('account');
    return { status: 200, body: shown(account) };
  },
});

const patchAccount = route({
  method: 'patch',
  path: '/v1/accounts/{id}',
  name: 'changeAccount',
  tag,
  summary: 'Change an account',
  description:
    'A key may change its own account, and one of the first account any; for how long it is kept and its limits, only ' +
    'one of the first account. Limits hold in every process at once.',
  access: 'account',
  scope: 'admin',
  params: accountParams,
  body: accountChangeSchema,
  responses: { 200: { description: 'The account as it now is', schema: accountSchema } },
  async handle({ db, eventTypes, forgetCallers }, { params, body, caller }) {
    if (params.id !== caller.account_id && !caller.is_first_account) throw notFound('account');
    const isReserved = body.retention_days !== undefined || body.limits !== undefined;
    if (isReserved && !caller.is_first_account) {
      throw new Problem({
        ...{ status: 403, code: 'forbidden' },
        detail:
          'Only a key of the first account may change for how long an account is kept, and what it may do at most',
      });
    }
    const account = await updateAccount(db, params.id, body, caller);
    if (account === undefined) throw notFound('account');
    eventTypes.forget();
    if (body.limits !== undefined) forgetCallers();
    return { status: 200, body: shown(account) };
  },
});

/** With its own limits and those that are every account's alike. */
function shown(account: Account) {
  const { requests_per_second = null, events_per_day = null, webhooks = null } = account.limits;
  const { event_bytes = mostEventBytes } = account.limits;
  return {
    ...account,
    limits: {
      ...{ requests_per_second, events_per_day, webhooks, event_bytes },
      batch_events: mostBatchedEvents,
      batch_bytes: mostBatchBytes,
      described_event_types: mostEventTypes,
      signing_secrets: mostSigningSecrets,
    },
  };
}

export const accountRoutes: Route[] = [postAccount, getAccounts, getAccount, patchAccount];
