import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contactHash } from '../../db/inbox-lists.ts';
import { inboxMessages } from '../../db/schema.ts';
import { appInbox } from '../../webhook/profiles/app-inbox.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let contacts = 0;
function newContact() {
  contacts += 1;
  return `customer ${contacts}/ü`;
}

const whole = (externalCustomerId: string) => ({
  externalCustomerId,
  id: crypto.randomUUID(),
  createdDate: 1736936703000,
  title: 'Your order is on its way',
  content: 'Order A-123 left our warehouse today.',
  image: 'https://example.com/images/parcel.png',
  link: 'myapp://orders/A-123',
  category: 'orders',
  customData: '{"order_id":"A-123"}',
});

const post = (body: unknown, key?: string) =>
  api.request('POST', '/v1/inbox/messages', { body, ...(key === undefined ? {} : { key }) });
const read = (id: string) => api.request('GET', `/v1/inbox/messages/${id}`);
const setStatus = (id: string, status: unknown) =>
  api.request('PUT', `/v1/inbox/messages/${id}/status`, { body: { status } });
const listOf = (contact: string) =>
  api.request('GET', `/v1/inbox/contacts/${encodeURIComponent(contact)}/messages`);
const setLimit = async (inbox_message_limit: number) => {
  const path = `/v1/accounts/${api.accountId}`;
  const { status } = await api.request('PATCH', path, { body: { inbox_message_limit } });
  expect(status).toBe(200);
};
const idsOf = (messages: { id: string }[]) => messages.map(({ id }) => id);

describe('POST /v1/inbox/messages', () => {
  test('answers 202 with the message as stored, in the document’s order, and shows it again', async () => {
    const message = whole(newContact());
    const answer = await post(message);
    expect(answer.status, answer.text).toBe(202);
    const shown = { ...message, status: 'available', available: true, sent: true, reason: null };
    expect(answer.text).toBe(JSON.stringify(shown));
    expect((await read(message.id)).text).toBe(answer.text);
    expect((await read(message.id.toUpperCase())).text).toBe(answer.text);
  });

  test('makes a UUIDv7 for the id and takes the present for createdDate', async () => {
    const before = Date.now();
    const { json } = await post({ externalCustomerId: newContact(), id: null, title: 'Hello' });
    expect(json.id).toMatch(uuid);
    expect(json.createdDate).toBeGreaterThanOrEqual(before);
    expect(json.createdDate).toBeLessThanOrEqual(Date.now());
    expect(json).not.toHaveProperty('content');
  });

  test('takes a list and answers with a list, the later message being the newer one', async () => {
    const contact = newContact();
    const answer = await post(['1', '2', '3'].map((title) => ({ externalCustomerId: contact, title })));
    expect(answer.status).toBe(202);
    expect(answer.json.map(({ title }: { title: string }) => title)).toEqual(['1', '2', '3']);
    expect((await listOf(contact)).json.map(({ title }: { title: string }) => title)).toEqual([
      '3',
      '2',
      '1',
    ]);
  });

  test('takes 1,000 messages at once, more than other bodies may hold, and no more', async () => {
    const contact = newContact();
    const messages = Array.from({ length: 1_000 }, (_, index) => ({
      externalCustomerId: contact,
      content: `${index} ${'x'.repeat(1_000)}`,
    }));
    const answer = await post(messages);
    expect([answer.status, answer.json.length]).toEqual([202, 1_000]);
    expect((await post([...messages, {}].map(() => ({})))).json).toMatchObject({
      status: 422,
      errors: [{ pointer: '' }],
    });
  });

  test('keeps a message of a contact without externalCustomerId, sends nothing and says why', async () => {
    const before = api.changedLists.length;
    for (const contact of [{}, { externalCustomerId: null }]) {
      const { status, json, text } = await post({ title: 'Hello', ...contact });
      expect(status).toBe(202);
      expect(json).toMatchObject({
        sent: false,
        status: 'available',
        reason: expect.stringMatching(/no externalCustomerId/),
      });
      expect(json).not.toHaveProperty('externalCustomerId');
      expect((await read(json.id)).text).toBe(text);
    }
    expect(api.changedLists).toHaveLength(before);
  });

  test('takes a repeat of a message for the first, whatever became of that', async () => {
    const { createdDate, ...message } = whole(newContact());
    const first = await post(message);
    expect((await post(message)).text).toBe(first.text);
    expect((await post({ ...message, id: message.id.toUpperCase() })).text).toBe(first.text);
    expect((await post({ ...message, createdDate: first.json.createdDate })).text).toBe(first.text);
    await setStatus(message.id, 'read');
    expect((await post([message, message])).json).toMatchObject([{ status: 'read' }, { status: 'read' }]);
    expect((await listOf(message.externalCustomerId)).json).toHaveLength(1);
  });

  test('refuses an id with other content with 409, and stores nothing of the list', async () => {
    const message = whole(newContact());
    await post(message);
    const other = whole(newContact());
    for (const changed of [
      { title: 'x' },
      { createdDate: 1 },
      { externalCustomerId: newContact() },
      { customData: undefined },
    ]) {
      const answer = await post([other, { ...message, ...changed }]);
      expect(answer.json).toMatchObject({
        status: 409,
        code: 'message_id_conflict',
        errors: [{ pointer: '/1/id' }],
      });
    }
    expect((await read(other.id)).status).toBe(404);
    const within = await post([other, { ...other, title: 'x' }]);
    expect(within.json).toMatchObject({ status: 409, errors: [{ pointer: '/1/id' }] });
    expect((await read(other.id)).status).toBe(404);
    expect((await post({ ...message, title: 'x' })).json.errors).toMatchObject([{ pointer: '/id' }]);
  });

  test('stores one message when it is posted many times at once, and one of two with the same id', async () => {
    const message = whole(newContact());
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(message)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const { id } = whole('');
    const rivals = await Promise.all(['a', 'b'].map((title) => post({ ...message, id, title })));
    expect(rivals.map(({ status }) => status).sort()).toEqual([202, 409]);
    expect((await listOf(message.externalCustomerId)).json).toHaveLength(2);
  });

  test('lets two accounts use the same id, and shows each its own', async () => {
    const message = whole(newContact());
    const mine = await post({ ...message, title: 'mine' });
    const theirs = await post({ ...message, title: 'theirs' }, api.otherKey);
    expect([mine.status, theirs.status]).toEqual([202, 202]);
    expect((await read(message.id)).json.title).toBe('mine');
    const path = `/v1/inbox/messages/${(await post({ title: 'x' })).json.id}`;
    for (const [method, at] of [
      ['GET', path],
      ['PUT', `${path}/status`],
    ] as const) {
      const body = method === 'PUT' ? { body: { status: 'read' } } : {};
      expect((await api.request(method, at, { key: api.otherKey, ...body })).status).toBe(404);
    }
  });

  test.each([
    ['an unknown field', { subject: 'x' }, '/subject'],
    ['an id that is no UUID', { id: '17' }, '/id'],
    ['an empty externalCustomerId', { externalCustomerId: '' }, '/externalCustomerId'],
    ['a number for externalCustomerId', { externalCustomerId: 17 }, '/externalCustomerId'],
    ['a createdDate in words', { createdDate: '2025-01-15T10:25:03Z' }, '/createdDate'],
    ['a createdDate with a fraction', { createdDate: 1.5 }, '/createdDate'],
    ['a createdDate before 1970', { createdDate: -1 }, '/createdDate'],
    ['a createdDate after the year 9999', { createdDate: 253_402_300_800_000 }, '/createdDate'],
    ['a title that is no text', { title: 1 }, '/title'],
    ['an image that is no URL', { image: 'parcel.png' }, '/image'],
    ['a link that is no URL', { link: 'orders' }, '/link'],
    ['customData that is no text', { customData: { order: 1 } }, '/customData'],
    ['a NUL in the content', { content: 'a\u0000' }, '/content'],
  ])('refuses %s with its pointer, and stores nothing', async (_name, fields, pointer) => {
    const before = await api.db.$count(inboxMessages);
    expect((await post(fields)).json).toMatchObject({ status: 422, errors: [{ pointer }] });
    const inList = await post([{ title: 'good' }, fields]);
    expect(inList.json).toMatchObject({ status: 422, errors: [{ pointer: `/1${pointer}` }] });
    expect(await api.db.$count(inboxMessages)).toBe(before);
  });

  test.each([['text'], [null], [[]], [[[]]], [17]])('refuses %j', async (body) => {
    expect((await post(body)).status).toBe(422);
  });
});

describe('GET /v1/inbox/contacts/{externalCustomerId}/messages', () => {
  test('is byte for byte what a webhook gets: fields in their order, types, newest first', async () => {
    const contact = newContact();
    const newest = { ...whole(contact), createdDate: 1736936703001 };
    const { customData, image, ...oldest } = { ...whole(contact), createdDate: 1736936700000 };
    await post([oldest, newest]);
    const { text, status } = await listOf(contact);
    expect(status).toBe(200);
    expect(text).toBe(JSON.stringify([newest, oldest]));
    const event = {
      type: 'inbox.messages',
      data: { externalCustomerId: contact, messages: JSON.parse(text) },
    };
    expect(appInbox.body(event as never)).toBe(text);
  });

  test('is empty for a contact that nobody knows, and for another account', async () => {
    expect((await listOf(newContact())).text).toBe('[]');
    await post({ externalCustomerId: 'shared', title: 'mine' });
    const path = '/v1/inbox/contacts/shared/messages';
    expect((await api.request('GET', path, { key: api.otherKey })).text).toBe('[]');
    expect((await api.request('GET', path)).json).toHaveLength(1);
  });

  test('shows the newest, as many as the account’s limit; GET says that the others are not available', async () => {
    const contact = newContact();
    const { json: posted } = await post(
      [1, 2, 3, 4].map((createdDate) => ({ externalCustomerId: contact, createdDate })),
    );
    const [first, second, third, fourth] = idsOf(posted);
    await setLimit(2);
    expect(idsOf((await listOf(contact)).json)).toEqual([fourth, third]);
    for (const id of [first, second]) {
      expect((await read(id!)).json).toMatchObject({
        status: 'available',
        available: false,
        reason: expect.stringMatching(/newer messages.*limit/),
      });
    }
    const late = await post({ externalCustomerId: contact, createdDate: 0 });
    expect(late.json).toMatchObject({ available: false });
    await setStatus(fourth!, 'deleted');
    expect(idsOf((await listOf(contact)).json)).toEqual([third, second]);
    await setLimit(1_000);
    expect((await listOf(contact)).json).toHaveLength(4);
  });

  test('agrees with a simple model of order, limit and availability', async () => {
    const statuses = ['delivered', 'read', 'deleted', 'expired'] as const;
    const ranks: Record<string, number> = { available: 0, delivered: 1, read: 2, deleted: 3, expired: 3 };
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          post: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ set: fc.constantFrom(...statuses), of: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ limit: fc.integer({ min: 1, max: 5 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
        const contact = newContact();
        const model: { id: string; createdDate: number; status: string }[] = [];
        let limit = 1_000;
        await setLimit(limit);
        for (const one of steps) {
          if ('post' in one) {
            const asked = one.post.map((createdDate) => ({ externalCustomerId: contact, createdDate }));
            for (const { id, createdDate } of (await post(asked)).json) {
              model.push({ id, createdDate, status: 'available' });
            }
          } else if ('limit' in one) {
            limit = one.limit;
            await setLimit(limit);
          } else if (model.length > 0) {
            const message = model[one.of % model.length]!;
            const isSame = message.status === one.set;
            const isTaken =
              isSame || (ranks[message.status]! < 3 && ranks[one.set]! > ranks[message.status]!);
            expect((await setStatus(message.id, one.set)).status).toBe(isTaken ? 200 : 409);
            if (isTaken) message.status = one.set;
          }
        }
        const listed = model
          .filter(({ status }) => ranks[status]! < 3)
          .sort((a, b) => b.createdDate - a.createdDate || (a.id < b.id ? 1 : -1))
          .slice(0, limit)
          .map(({ id }) => id);
        expect(idsOf((await listOf(contact)).json)).toEqual(listed);
        for (const { id, status } of model) {
          expect((await read(id)).json).toMatchObject({ status, available: listed.includes(id) });
        }
      }),
      { numRuns: 40 },
    );
    await setLimit(1_000);
  });
});

describe('PUT /v1/inbox/messages/{id}/status', () => {
  test.each([
    ['delivered', ['delivered']],
    ['read', ['delivered', 'read']],
    ['read', ['read']],
    ['deleted', ['read', 'deleted']],
    ['expired', ['expired']],
  ])('sets %s after %j, once or twice', async (last, steps) => {
    const message = whole(newContact());
    await post(message);
    for (const status of steps) {
      const first = await setStatus(message.id, status);
      expect(first.json).toMatchObject({ id: message.id, status });
      expect((await setStatus(message.id, status)).text).toBe(first.text);
    }
    expect((await read(message.id)).json.status).toBe(last);
  });

  test.each([
    ['read', 'delivered'],
    ['deleted', 'read'],
    ['deleted', 'expired'],
    ['expired', 'deleted'],
    ['expired', 'delivered'],
  ])('refuses the way from %s to %s, and names the present status', async (from, to) => {
    const message = whole(newContact());
    await post(message);
    await setStatus(message.id, from);
    const answer = await setStatus(message.id, to);
    expect(answer.json).toMatchObject({
      status: 409,
      code: 'status_conflict',
      errors: [{ pointer: '/status' }],
    });
    expect(answer.json.detail).toContain(`is ${from}`);
    expect((await read(message.id)).json.status).toBe(from);
  });

  test('takes a deleted and an expired message from the list, not a read one, and says so', async () => {
    const contact = newContact();
    const { json } = await post([1, 2, 3].map((n) => ({ externalCustomerId: contact, createdDate: n })));
    const [deleted, expired, seen] = idsOf(json);
    await setStatus(deleted!, 'deleted');
    await setStatus(expired!, 'expired');
    await setStatus(seen!, 'read');
    expect(idsOf((await listOf(contact)).json)).toEqual([seen]);
    expect((await read(deleted!)).json).toMatchObject({ available: false, reason: 'the message is deleted' });
    expect((await read(expired!)).json).toMatchObject({ available: false, reason: 'the message is expired' });
  });

  test.each([['available'], ['gone'], [null], [undefined]])('refuses the status %j', async (status) => {
    const { json } = await post({ title: 'x' });
    expect((await setStatus(json.id, status)).json).toMatchObject({
      status: 422,
      errors: [{ pointer: '/status' }],
    });
  });

  test('knows no message by an id that nothing has', async () => {
    expect((await setStatus(crypto.randomUUID(), 'read')).status).toBe(404);
    expect((await setStatus('17', 'read')).status).toBe(400);
  });
});

describe('what is announced', () => {
  const hashesSince = (before: number) => api.changedLists.slice(before).map((list) => list.contact_hash);

  test('is a contact’s list, once until it was announced, and by nothing personal', async () => {
    const [one, two] = [newContact(), newContact()];
    const before = api.changedLists.length;
    await post([{ externalCustomerId: one }, { externalCustomerId: two }, { externalCustomerId: one }]);
    await post({ externalCustomerId: one });
    expect(hashesSince(before).sort()).toEqual([contactHash(one), contactHash(two)].sort());
    expect(JSON.stringify(api.changedLists)).not.toContain('customer');
  });

  test('is not a repeat of a message', async () => {
    const message = whole(newContact());
    await post(message);
    await api.db.execute('update inbox_lists set due_since = null');
    const before = api.changedLists.length;
    await post(message);
    await post({ ...message, title: 'x' });
    expect(hashesSince(before)).toEqual([]);
  });

  test.each([
    ['deleted', 1],
    ['expired', 1],
    ['delivered', 0],
    ['read', 0],
  ])('follows from the status %s %i times', async (status, times) => {
    const message = whole(newContact());
    await post(message);
    await api.db.execute('update inbox_lists set due_since = null');
    const before = api.changedLists.length;
    await setStatus(message.id, status);
    await setStatus(message.id, status);
    expect(hashesSince(before)).toHaveLength(times);
  });
});

describe('an App Inbox webhook', () => {
  const url = 'https://receiver.test/';
  const auth = { type: 'basic', username: 'user', password: 'password' };
  const register = (body: object) => api.request('POST', '/v1/webhooks', { body });

  test.each([
    ['the document’s form', { url, auth }],
    ['the document’s form without auth', { url }],
    ['the general form without events', { url, auth, profile: 'app-inbox', description: 'd' }],
    ['the general form', { url, profile: 'app-inbox', events: ['inbox.messages'], auth: { type: 'none' } }],
  ])('is registered in %s', async (_name, body) => {
    const { status, json, text } = await register(body);
    expect(status, text).toBe(201);
    const { type } = 'auth' in body ? body.auth : { type: 'none' };
    expect(json).toMatchObject({ url, profile: 'app-inbox', events: ['inbox.messages'], auth: { type } });
    expect(text).not.toContain('"password":"password"');
  });

  test.each([['bearer'], ['digest'], ['none'], ['Basic']])(
    'is refused with auth %s by name',
    async (type) => {
      const { json } = await register({ url, auth: { type, token: 't' } });
      expect(json).toMatchObject({
        status: 422,
        errors: [{ pointer: '/auth/type', detail: `"${type}" is not supported: Supported basic type only` }],
      });
    },
  );

  test('is refused with bearer in the general form too', async () => {
    const { json } = await register({ url, profile: 'app-inbox', auth: { type: 'bearer', token: 't' } });
    expect(json).toMatchObject({ status: 422, errors: [{ pointer: '/auth/type' }] });
  });

  test.each([
    ['without a password', { url, auth: { type: 'basic', username: 'u' } }, '/auth/password'],
    ['with a bad URL', { url: 'ftp://receiver.test/', auth }, '/url'],
    ['without a URL', { auth }, '/url'],
  ])('is refused %s', async (_name, body, pointer) => {
    const { json } = await register(body);
    expect(json.status).toBe(422);
    expect(json.errors).toContainEqual(expect.objectContaining({ pointer }));
  });
});

describe('PATCH /v1/accounts/{id}', () => {
  test.each([[0], [10_001], [1.5], ['5'], [null]])('refuses the limit %j', async (inbox_message_limit) => {
    const path = `/v1/accounts/${api.accountId}`;
    const { json } = await api.request('PATCH', path, { body: { inbox_message_limit } });
    expect(json).toMatchObject({ status: 422, errors: [{ pointer: '/inbox_message_limit' }] });
  });

  test('takes a name, a limit of 1 to 10,000, both or neither', async () => {
    const path = `/v1/accounts/${api.otherAccountId}`;
    const key = api.otherKey;
    for (const inbox_message_limit of [1, 10_000]) {
      const { json } = await api.request('PATCH', path, { body: { inbox_message_limit }, key });
      expect(json).toMatchObject({ name: 'Other account', inbox_message_limit });
    }
    const renamed = await api.request('PATCH', path, { body: { name: 'Renamed' }, key });
    expect(renamed.json).toMatchObject({ name: 'Renamed', inbox_message_limit: 10_000 });
    expect((await api.request('PATCH', path, { body: {}, key })).text).toBe(renamed.text);
  });
});
