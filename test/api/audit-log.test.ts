import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendAuditEntry } from '../../db/audit-log.ts';
import { newId } from '../../db/ids.ts';
import { auditLog, webhooks } from '../../db/schema.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
let keyId: string;
beforeAll(async () => {
  api = await startTestApi();
  keyId = (await api.request('GET', '/v1/api-keys')).json.data[0].id;
});
afterAll(() => api.close());

const url = 'https://receiver.test/';

async function register(fields: object = {}) {
  const answer = await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'], ...fields } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}
const log = async (query = '', key = api.key) =>
  (await api.request('GET', `/v1/audit-log?limit=250${query}`, { key })).json.data;
/** What was done to it, newest first. */
const actionsOn = async (id: string, key = api.key) =>
  (await log(`&subject_id=${id}`, key)).map(({ action }: { action: string }) => action);
const newest = async (id: string) => (await log(`&subject_id=${id}`))[0];

describe('every change is an entry', () => {
  test('of a webhook, with the names of what changed and no values', async () => {
    const secrets = {
      url: 'https://receiver.test/hook?token=hunter2-url',
      headers: { 'X-Token': 'hunter2-header' },
      auth: { type: 'basic', username: 'hunter2-user', password: 'hunter2-password' },
    };
    const { id, created_at } = await register();
    const path = `/v1/webhooks/${id}`;
    expect((await log(`&subject_id=${id}`))[0]).toEqual({
      id: expect.stringMatching(/^aud_[0-9a-z]{26}$/),
      created_at: expect.stringMatching(/\.\d{3}Z$/),
      actor: { kind: 'api_key', id: keyId, name: 'Admin key' },
      action: 'webhook.created',
      subject_id: id,
      reason: null,
      details: { profile: 'inbox' },
    });
    expect(Date.parse((await newest(id)).created_at) - Date.parse(created_at)).toBeLessThan(5_000);

    await api.request('PATCH', path, { body: { ...secrets, description: 'new' } });
    expect(await newest(id)).toMatchObject({
      action: 'webhook.changed',
      details: { changed: ['url', 'description', 'headers', 'auth'] },
    });
    await api.request('PATCH', path, { body: { health: { failures: 2 }, recovery_rate: 5 } });
    expect((await newest(id)).details).toEqual({ changed: ['health', 'recovery_rate'] });
    await api.request('PUT', path, { body: { url, events: ['a'], channels: ['c'], timeout_ms: 2_000 } });
    expect((await newest(id)).details.changed).toEqual([
      ...['url', 'description', 'events', 'channels', 'timeout_ms', 'headers', 'auth', 'health'],
      'recovery_rate',
    ]);
    const rotated = await api.request('POST', `${path}/rotate-secret`, { body: { overlap_seconds: 60 } });
    expect(await newest(id)).toMatchObject({
      action: 'webhook.secret_rotated',
      details: { overlap_seconds: 60, signing: 2 },
    });
    await api.request('DELETE', path);
    expect(await newest(id)).toMatchObject({
      action: 'webhook.deleted',
      details: { cancelled_deliveries: 0 },
    });
    const all = JSON.stringify(await api.db.select().from(auditLog));
    expect(all).not.toMatch(/hunter2/);
    expect(all).not.toContain(rotated.json.secret);
  });

  test('by a settings page as well', async () => {
    const path = '/v1/channels/audited/webhook';
    const { id } = (await api.request('PUT', path, { body: { url } })).json;
    await api.request('PUT', path, { body: { url: 'https://other.test/' } });
    await api.request('PUT', path, { body: { url: 'https://other.test/' } });
    await api.request('DELETE', path);
    expect(await actionsOn(id)).toEqual(['webhook.deleted', 'webhook.changed', 'webhook.created']);
    expect((await newest(id)).actor.id).toBe(keyId);
  });

  test('of keys, told apart by who used them', async () => {
    const second = (await api.request('POST', '/v1/api-keys', { body: { name: 'Second' } })).json;
    const { id } = (
      await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'] }, key: second.key })
    ).json;
    expect((await newest(id)).actor).toEqual({ kind: 'api_key', id: second.id, name: 'Second' });
    expect(await log(`&actor_id=${second.id}`)).toHaveLength(1);
    for (let again = 0; again < 2; again++) await api.request('DELETE', `/v1/api-keys/${second.id}`);
    expect(await actionsOn(second.id)).toEqual(['api_key.revoked', 'api_key.created']);
    expect((await newest(second.id)).details).toEqual({ name: 'Second' });
    expect(JSON.stringify(await api.db.select().from(auditLog))).not.toContain(second.key);
  });

  test('of event types', async () => {
    const path = '/v1/event-types/audited.type';
    await api.request('PUT', path, { body: { description: 'd', schema: { type: 'object' } } });
    await api.request('PUT', path, { body: { description: 'e' } });
    await api.request('DELETE', path);
    await api.request('DELETE', path);
    const entries = await log('&subject_id=audited.type');
    expect(entries.map(({ action, details }: Record<string, unknown>) => [action, details])).toEqual([
      ['event_type.deleted', null],
      ['event_type.described', { is_new: false, has_schema: false }],
      ['event_type.described', { is_new: true, has_schema: true }],
    ]);
  });

  test('of deliveries: cancelled once, retried by hand each time', async () => {
    await register({ events: ['audited'] });
    const posted = await api.request('POST', '/v1/events', { body: { type: 'audited', data: {} } });
    const { id } = (await api.request('GET', `/v1/events/${posted.json.id}`)).json.deliveries[0];
    const retried = await api.request('POST', `/v1/deliveries/${id}/retry`);
    expect(await newest(id)).toMatchObject({
      action: 'delivery.retried',
      details: { attempt_id: retried.json.attempt_id },
    });
    await api.request('POST', `/v1/deliveries/${id}/retry`);
    for (let again = 0; again < 2; again++) await api.request('POST', `/v1/deliveries/${id}/cancel`);
    expect(await actionsOn(id)).toEqual(['delivery.cancelled', 'delivery.retried', 'delivery.retried']);
  });

  test('of an account, in its own log and in that of the one whose key it was', async () => {
    const made = (await api.request('POST', '/v1/accounts', { body: { name: 'Third' } })).json;
    const change = { inbox_message_limit: 5, name: 'Third' };
    await api.request('PATCH', `/v1/accounts/${made.id}`, { body: change });
    await api.request('PATCH', `/v1/accounts/${made.id}`, { body: change });
    await api.request('PATCH', `/v1/accounts/${made.id}`, {
      body: { strict_event_types: true },
      key: made.api_key,
    });
    expect(await actionsOn(made.id)).toEqual(['account.changed', 'account.created']);
    const own = await log(`&subject_id=${made.id}`, made.api_key);
    expect(
      own.map(({ action, details, actor }: Record<string, unknown>) => [action, details, actor]),
    ).toEqual([
      [
        'account.changed',
        { changed: ['strict_event_types'] },
        { kind: 'api_key', id: expect.any(String), name: 'First key' },
      ],
      // Whose key it was is shown by its id: its name is another account's.
      ['account.changed', { changed: ['inbox_message_limit'] }, { kind: 'api_key', id: keyId, name: null }],
      ['account.created', { name: 'Third' }, { kind: 'api_key', id: keyId, name: null }],
    ]);
  });

  test('of the first account and its key: Postrider itself made them', async () => {
    const entries = (await log()).slice(-2);
    expect(entries.map(({ action, actor }: Record<string, unknown>) => [action, actor])).toEqual([
      ['api_key.created', { kind: 'postrider', id: null, name: null }],
      ['account.created', { kind: 'postrider', id: null, name: null }],
    ]);
  });
});

describe('what does not change anything is no entry', () => {
  test('a change to what there is, a refused one, and one of what is not there', async () => {
    const webhook = await register({ headers: { 'X-Token': 'kept' }, retry_schedule: { delays_ms: [0, 5] } });
    const path = `/v1/webhooks/${webhook.id}`;
    const before = await api.db.$count(auditLog);
    await api.request('PATCH', path, { body: {} });
    await api.request('PATCH', path, {
      body: { url, headers: { 'X-Token': '•••' }, retry_schedule: { jitter: 0, delays_ms: [0, 5] } },
    });
    await api.request('PATCH', path, { body: { url: 'http://localhost/' } });
    await api.request('POST', `${path}/rotate-secret`, { body: { secret: webhook.secret } });
    await api.request('DELETE', path, { key: api.otherKey });
    await api.request('DELETE', '/v1/webhooks/wh_123');
    await api.request('DELETE', '/v1/event-types/message.sent');
    await api.request('DELETE', `/v1/api-keys/${keyId}`);
    await api.request('PATCH', `/v1/accounts/${api.accountId}`, { body: { inbox_message_limit: 1_000 } });
    expect(await api.db.$count(auditLog)).toBe(before);
  });

  test('an attempt that Temporal could not be asked for', async () => {
    const own = await startTestApi({
      starter: {
        startDeliverEvents: async () => 'started' as const,
        startManualAttempt: () => Promise.reject(new TemporalUnavailable('away')),
        tellDeliveryEnded: async () => {},
      },
    });
    await own.request('POST', '/v1/webhooks', { body: { url, events: ['*'] } });
    await own.request('POST', '/v1/events', { body: { type: 'a', data: {} } });
    const [{ id }] = (await own.request('GET', '/v1/deliveries')).json.data;
    expect((await own.request('POST', `/v1/deliveries/${id}/retry`)).status).toBe(503);
    const entries = await own.request('GET', '/v1/audit-log?action=delivery.retried');
    expect(entries.json.data).toEqual([]);
    await own.close();
  });
});

test('a change whose entry cannot be written is not made', async () => {
  const webhook = await register();
  const rows = () => api.db.select().from(webhooks).where(eq(webhooks.account_id, api.accountId));
  const before = await rows();
  await api.db.execute(sql`alter table audit_log add constraint refused check (action is null) not valid`);
  try {
    const path = `/v1/webhooks/${webhook.id}`;
    const answers = [
      await api.request('PATCH', path, { body: { description: 'new' } }),
      await api.request('DELETE', path),
      await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'] } }),
      await api.request('POST', `${path}/rotate-secret`),
      await api.request('POST', '/v1/api-keys', { body: { name: 'Unlogged' } }),
      await api.request('POST', '/v1/accounts', { body: { name: 'Unlogged' } }),
      await api.request('PATCH', `/v1/accounts/${api.accountId}`, { body: { name: 'Unlogged' } }),
      await api.request('PUT', '/v1/event-types/unlogged', { body: { description: '' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 500));
  } finally {
    await api.db.execute(sql`alter table audit_log drop constraint refused`);
  }
  expect(await rows()).toEqual(before);
  const read = async (path: string) => JSON.stringify((await api.request('GET', path)).json);
  for (const path of ['/v1/api-keys', '/v1/accounts', '/v1/event-types?limit=250']) {
    expect(await read(path)).not.toMatch(/unlogged/i);
  }
  expect(await read(`/v1/webhooks/${webhook.id}/secret`)).toContain(webhook.secret);
});

describe('GET /v1/audit-log', () => {
  test('pages newest first, by action, subject and actor together', async () => {
    const { id } = await register();
    const path = `/v1/webhooks/${id}`;
    for (const description of ['1', '2', '3']) await api.request('PATCH', path, { body: { description } });
    const query = `action=webhook.changed&subject_id=${id}&actor_id=${keyId}&limit=2`;
    const first = (await api.request('GET', `/v1/audit-log?${query}`)).json;
    expect(first.data).toHaveLength(2);
    const second = (await api.request('GET', `/v1/audit-log?${query}&cursor=${first.next_cursor}`)).json;
    expect(second).toMatchObject({ data: [{ action: 'webhook.changed' }], next_cursor: null });
    const ids = [...first.data, ...second.data].map((entry: { id: string }) => entry.id);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(await log(`&action=webhook.deleted&subject_id=${id}`)).toEqual([]);
    expect(await log('&actor_id=key_1')).toEqual([]);
  });

  test('shows who signalled a workflow, and what Postrider did itself, with the reason', async () => {
    const subject_id = newId('wh');
    const entry = { account_id: api.accountId, subject_id };
    for (const [action, actor] of [
      ['webhook.disabled', { kind: 'postrider' }],
      ['webhook.enabled', { kind: 'signal', name: 'Ann' }],
    ] as const) {
      const told = {
        ...entry,
        action,
        actor,
        reason: `because of ${action}`,
        dedupe_key: `${subject_id}${action}`,
      };
      await appendAuditEntry(api.db, told);
      await appendAuditEntry(api.db, told);
    }
    expect(await log(`&subject_id=${subject_id}`)).toMatchObject([
      {
        action: 'webhook.enabled',
        actor: { kind: 'signal', id: null, name: 'Ann' },
        reason: 'because of webhook.enabled',
      },
      { action: 'webhook.disabled', actor: { kind: 'postrider', id: null, name: null }, details: null },
    ]);
  });

  test('shows nothing of another account', async () => {
    const { id } = await register();
    expect(await actionsOn(id, api.otherKey)).toEqual([]);
    const theirs = await log('', api.otherKey);
    expect(theirs.map(({ action, subject_id }: Record<string, unknown>) => [action, subject_id])).toEqual([
      ['account.created', api.otherAccountId],
    ]);
    expect(JSON.stringify(theirs)).not.toContain(api.accountId);
    expect(await log(`&actor_id=${keyId}`, api.otherKey)).toEqual([]);
  });

  test.each([
    ['action', 'webhook'],
    ['action', 'Webhook.Disabled'],
    ['action', '%00'],
    ['subject_id', ''],
    ['subject_id', 'a%00b'],
    ['subject_id', 'x'.repeat(129)],
    ['actor_id', 'wh_1'],
    ['cursor', Buffer.from('wh_01k7q9w3v8e5xbm2rt4n6c0hzd').toString('base64url')],
    ['actor', 'api_key'],
  ])('refuses %s=%s', async (parameter, value) => {
    const answer = await api.request('GET', `/v1/audit-log?${parameter}=${value}`);
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter', errors: [{ parameter }] });
  });
});
