import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../version.ts';
import type { ProfileName } from '../../webhook/profile.ts';
import { generateKeyPair } from '../../webhook/secrets.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { golden, verifySignature } from '../webhook/events.ts';
import { type RawRequest, startRawReceiver } from './raw-receiver.ts';

let postrider: TestPostrider;
let receiver: Awaited<ReturnType<typeof startRawReceiver>>;
beforeAll(async () => {
  postrider = await startTestPostrider();
  receiver = await startRawReceiver();
});
afterAll(async () => {
  await postrider.close();
  await receiver.close();
});

/** The request line and headers of a dialect, with `{…}` for what is another each time. */
const goldenHead = (profile: ProfileName) =>
  readFileSync(new URL(`./golden/${profile}.head.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** Checks by rule what is another each time, and puts the rule's name in its place. */
function normalizedHead({ head, body, headers }: RawRequest): string[] {
  const rules: Record<string, (value: string) => string | undefined> = {
    host: (value) => (receiver.url.includes(`//${value}/`) ? '{host}' : undefined),
    'content-length': (value) => (value === `${body.length}` ? '{bytes}' : undefined),
    'user-agent': (value) => (value === `Postrider/${version}` ? 'Postrider/{version}' : undefined),
    'webhook-timestamp': (value) =>
      /^\d{10}$/.test(value) && Math.abs(Date.now() / 1000 - Number(value)) < 60 ? '{seconds}' : undefined,
    'webhook-signature': (value) =>
      value
        .replace(/^v1,[A-Za-z0-9+/]{43}=$/, 'v1,{signature}')
        .replace(/^v1a,[A-Za-z0-9+/]{86}==$/, 'v1a,{signature}'),
    'x-inbox-signature': (value) => value.replace(/^sha256=[0-9a-f]{64}$/, 'sha256={hex}'),
    'webhook-id': (value) => (value === sentIds.get(headers['webhook-id'] ?? '') ? '{event id}' : undefined),
  };
  return head.map((line) => {
    const [name = '', value = ''] = line.split(/: (.*)/s);
    const rule = rules[name.toLowerCase()];
    return rule === undefined ? line : `${name}: ${rule(value) ?? value}`;
  });
}

const sentIds = new Map<string, string>();

/** Posts an event to a new webhook of the profile, and answers what came over the wire. */
async function deliver(
  profile: ProfileName,
  event: { type: string; data: unknown; id?: string; channel?: string },
  webhook: object = {},
) {
  const { secret, id: webhook_id } = await postrider.createWebhook({
    url: receiver.url,
    events: [event.type],
    profile,
    ...webhook,
  });
  const accepted = await postrider.postEvent(event);
  sentIds.set(accepted.id, accepted.id);
  const request = await receiver.request(({ headers }) => headers['webhook-id'] === accepted.id);
  await postrider.deliveryIs(accepted.id, 'succeeded');
  await postrider.request('DELETE', `/v1/webhooks/${webhook_id}`);
  return { request, secret: secret as string, accepted };
}

const textOf = (request: RawRequest) => request.body.toString('utf8');

/** All who verify a signature by Standard Webhooks. */
function expectSigned(request: RawRequest, secret: string) {
  const body = textOf(request);
  expect(new StandardWebhook(secret).verify(body, request.headers)).toEqual(JSON.parse(body));
  expect(new SvixWebhook(secret).verify(body, request.headers)).toEqual(JSON.parse(body));
  const forged = { ...request.headers, 'webhook-id': 'evt_other' };
  expect(() => new SvixWebhook(secret).verify(body, forged)).toThrow();
}

describe('what a receiver gets, byte for byte', () => {
  test.each(['delivered', 'read', 'failed', 'action'])('inbox: message.%s as in seed 003', async (name) => {
    const document = golden(`inbox-message.${name}`);
    const { id, type, created_at, data } = JSON.parse(document);
    const { request, secret, accepted } = await deliver('inbox', { id, type, data });
    const createdAt = accepted.created_at.replace(/\.\d{3}Z$/, 'Z');
    expect(textOf(request)).toBe(
      document.replace(`"created_at":"${created_at}"`, `"created_at":"${createdAt}"`),
    );
    expect(normalizedHead(request)).toEqual(goldenHead('inbox'));
    expectSigned(request, secret);
    expect(verifySignature(request.body, request.headers['x-inbox-signature'] ?? '', secret)).toBe(true);
  });

  test.each(['sent', 'received'])('inbox-components: message.%s as in seed 002', async (name) => {
    const document = golden(`inbox-components-message.${name}`);
    const { event: type, data, idempotency_key } = JSON.parse(document);
    const { request, secret } = await deliver('inbox-components', { type, data });
    const { idempotency_key: sent } = JSON.parse(textOf(request));
    expect(sent).toMatch(/^[0-9a-f]{64}$/);
    expect(textOf(request)).toBe(document.replace(idempotency_key, sent));
    expect(normalizedHead(request)).toEqual(goldenHead('inbox-components'));
    expectSigned(request, secret);
  });

  test('app-inbox: a list of messages as in seeds 000 and 001, with Basic authentication', async () => {
    const document = golden('app-inbox-inbox.messages');
    const data = { externalCustomerId: 'customer-42', messages: JSON.parse(document) };
    // RFC 7617, section 2: its own example of a user name, a password and the header that they make.
    const auth = { type: 'basic', username: 'Aladdin', password: 'open sesame' };
    const { request, secret } = await deliver('app-inbox', { type: 'inbox.messages', data }, { auth });
    expect(textOf(request)).toBe(document);
    expect(normalizedHead(request)).toEqual(goldenHead('app-inbox'));
    expectSigned(request, secret);
  });

  test('omnichannel: newMessage as in seed 004, nulls kept', async () => {
    const document = golden('omnichannel-newMessage');
    const { event: type, ...data } = JSON.parse(document);
    const { request, secret } = await deliver('omnichannel', { type, data, channel: 'whatsapp-1' });
    expect(textOf(request)).toBe(document);
    expect(normalizedHead(request)).toEqual(goldenHead('omnichannel'));
    expectSigned(request, secret);
  });

  test('standard: type, timestamp and data as in Standard Webhooks', async () => {
    const document = golden('standard-contact.created');
    const { type, timestamp, data } = JSON.parse(document);
    const { request, secret, accepted } = await deliver('standard', { type, data });
    expect(textOf(request)).toBe(document.replace(timestamp, accepted.created_at));
    expect(normalizedHead(request)).toEqual(goldenHead('standard'));
    expectSigned(request, secret);
  });

  test('text beyond ASCII goes out as UTF-8, and is signed as it goes out', async () => {
    const data = { text: 'Grüße 👋, naïve "quotes" \u2028 end' };
    const { request, secret } = await deliver('inbox', { type: 'message.custom', data });
    expect(request.body.includes(Buffer.from('Grüße 👋', 'utf8'))).toBe(true);
    expect(JSON.parse(textOf(request)).data).toEqual(data);
    expectSigned(request, secret);
    expect(verifySignature(request.body, request.headers['x-inbox-signature'] ?? '', secret)).toBe(true);
  });
});

test('an ed25519 key makes a v1a signature, which its public key from GET …/secret verifies', async () => {
  const { secretKey } = generateKeyPair();
  const { id } = await postrider.createWebhook({
    url: receiver.url,
    events: ['ed.signed'],
    profile: 'standard',
    secret: secretKey,
  });
  const { json } = await postrider.request('GET', `/v1/webhooks/${id}/secret`);
  const accepted = await postrider.postEvent({ type: 'ed.signed', data: {} });
  const request = await receiver.request(({ headers }) => headers['webhook-id'] === accepted.id);
  const [scheme, signature = ''] = (request.headers['webhook-signature'] ?? '').split(',');
  const signed = `${accepted.id}.${request.headers['webhook-timestamp']}.${textOf(request)}`;
  const key = createPublicKey({
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from(json.public_key.replace('whpk_', ''), 'base64').toString('base64url'),
    },
    format: 'jwk',
  });
  expect(scheme).toBe('v1a');
  expect(verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64'))).toBe(true);
});

describe('a rotation', () => {
  async function sendTo(type: string): Promise<RawRequest> {
    const { id } = await postrider.postEvent({ type, data: { n: 1 } });
    return receiver.request(({ headers }) => headers['webhook-id'] === id);
  }
  const signaturesOf = (request: RawRequest) => (request.headers['webhook-signature'] ?? '').split(' ');
  function verifies(request: RawRequest, secret: string, signature: string): boolean {
    try {
      const headers = { ...request.headers, 'webhook-signature': signature };
      new StandardWebhook(secret).verify(textOf(request), headers);
      return true;
    } catch {
      return false;
    }
  }

  test('has both secrets sign during the overlap, newest first, and the newer X-Inbox-Signature', async () => {
    const type = 'rotated.once';
    const { id, secret: first } = await postrider.createWebhook({ url: receiver.url, events: [type] });
    const { json } = await postrider.request('POST', `/v1/webhooks/${id}/rotate-secret`, {});
    const request = await sendTo(type);
    const [newer = '', older = '', ...rest] = signaturesOf(request);
    expect(rest).toEqual([]);
    expect(verifies(request, json.secret, newer)).toBe(true);
    expect(verifies(request, first, older)).toBe(true);
    // Receivers with either secret are content with the header as it is.
    for (const secret of [first, json.secret]) expectSigned(request, secret);
    const inboxSignature = request.headers['x-inbox-signature'] ?? '';
    expect(verifySignature(request.body, inboxSignature, json.secret)).toBe(true);
    expect(verifySignature(request.body, inboxSignature, first)).toBe(false);
  });

  test('twice within an overlap has three sign; with an overlap of 0 the newest alone', async () => {
    const type = 'rotated.twice';
    const { id, secret: first } = await postrider.createWebhook({ url: receiver.url, events: [type] });
    const rotate = async (overlap_seconds: number) =>
      (await postrider.request('POST', `/v1/webhooks/${id}/rotate-secret`, { overlap_seconds })).json.secret;
    const second = await rotate(604_800);
    const third = await rotate(60);
    const during = await sendTo(type);
    const signatures = signaturesOf(during);
    expect(signatures).toHaveLength(3);
    [third, second, first].forEach((secret, index) => {
      expect(verifies(during, secret, signatures[index] ?? '')).toBe(true);
    });
    const last = await rotate(0);
    const after = await sendTo(type);
    expect(signaturesOf(after)).toHaveLength(1);
    expectSigned(after, last);
    for (const ended of [first, second, third])
      expect(verifies(after, ended, signaturesOf(after)[0] ?? '')).toBe(false);
  });
});

test('an event of a channel goes once to the account’s webhook and once to the channel’s, and not to another’s', async () => {
  const put = async (path: string, page: string) =>
    (await postrider.request('PUT', path, { url: `${receiver.url}/${page}` })).status;
  expect(await put('/v1/account/webhook', 'account')).toBe(201);
  expect(await put('/v1/channels/whatsapp%3A%2B1555/webhook', 'mine')).toBe(201);
  expect(await put('/v1/channels/mail/webhook', 'other')).toBe(201);
  const { type, data } = { type: 'newMessage', data: { message: {}, conversation: {} } };
  const { id } = await postrider.postEvent({ type, data, channel: 'whatsapp:+1555' });
  const without = await postrider.postEvent({ type, data });
  const pagesOf = async (eventId: string, count: number) => {
    await expect
      .poll(
        async () => {
          const { deliveries } = (await postrider.request('GET', `/v1/events/${eventId}`)).json;
          return deliveries.map(({ status }: { status: string }) => status);
        },
        { timeout: 20_000 },
      )
      .toEqual(Array(count).fill('succeeded'));
    return receiver.requests
      .filter(({ headers }) => headers['webhook-id'] === eventId)
      .map(({ head }) => /inbox\/(\w+) /.exec(head[0] ?? '')?.[1])
      .sort();
  };
  expect(await pagesOf(id, 2)).toEqual(['account', 'mine']);
  expect(await pagesOf(without.id, 1)).toEqual(['account']);
});
