import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEventId } from '../../webhook/event-id.ts';
import { idempotencyKeyOf } from '../../webhook/idempotency-key.ts';
import type { JsonValue } from '../../webhook/profile.ts';
import {
  catalogueEntry,
  eventCatalogue,
  isProfileName,
  profileNames,
  profiles,
} from '../../webhook/profiles.ts';
import { attemptsOf, stepsOf } from '../../webhook/retry-schedule.ts';
import { carriesType, isEventType } from '../../webhook/subscriptions.ts';
import { UnsendableEventError } from '../../webhook/unsendable-event.ts';
import { eventToSend, golden } from './events.ts';

describe('the bytes of the documents', () => {
  test.each(['delivered', 'read', 'failed', 'action'])(
    'inbox sends message.%s as seed 003 shows it',
    (name) => {
      const expected = golden(`inbox-message.${name}`);
      const { id, type, created_at, data } = JSON.parse(expected);
      // The milliseconds are there to be left out.
      const createdAt = new Date(Date.parse(created_at) + 417);
      expect(profiles.inbox.body(eventToSend({ id, type, createdAt, data }))).toBe(expected);
    },
  );

  test.each(['sent', 'received'])('inbox-components sends message.%s as seed 002 shows it', (name) => {
    const expected = golden(`inbox-components-message.${name}`);
    const { event, data, idempotency_key } = JSON.parse(expected);
    const sent = profiles['inbox-components'].body(
      eventToSend({ id: 'evt_other', type: event, data, idempotencyKey: () => idempotency_key }),
    );
    expect(sent).toBe(expected);
  });

  test('omnichannel sends newMessage as seed 004 shows it, nulls kept', () => {
    const expected = golden('omnichannel-newMessage');
    const { event, ...data } = JSON.parse(expected);
    expect(profiles.omnichannel.body(eventToSend({ type: event, data }))).toBe(expected);
  });

  test('app-inbox sends a list of messages with the fields of seeds 000 and 001 in their order', () => {
    const expected = golden('app-inbox-inbox.messages');
    const messages = JSON.parse(expected).map((message: Record<string, JsonValue>) => ({
      internalNote: 'no field of the documents',
      ...Object.fromEntries(Object.entries(message).reverse()),
    }));
    const event = eventToSend({
      type: 'inbox.messages',
      data: { messages, externalCustomerId: 'customer-42' },
    });
    expect(profiles['app-inbox'].body(event)).toBe(expected);
  });

  test('app-inbox tells of a contact without messages by an empty list', () => {
    const data = { externalCustomerId: 'customer-42', messages: [] };
    expect(profiles['app-inbox'].body(eventToSend({ data }))).toBe('[]');
  });

  test('standard sends type, timestamp and data as Standard Webhooks shows them', () => {
    const expected = golden('standard-contact.created');
    const { type, timestamp, data } = JSON.parse(expected);
    expect(profiles.standard.body(eventToSend({ type, createdAt: new Date(timestamp), data }))).toBe(
      expected,
    );
  });
});

describe('envelopes of other data than the documents have', () => {
  test.each<[string, JsonValue]>([
    ['no object', 'text'],
    ['an object without an id', { a: 1 }],
    ['an id that is null', { id: null }],
    ['an id that is no plain value', { id: { nested: true } }],
  ])("inbox-components falls back to the event's id: %s", (_, data) => {
    expect(JSON.parse(profiles['inbox-components'].body(eventToSend({ data }))).id).toBe('evt_1234567890');
  });

  test('inbox-components keeps an id that is a number', () => {
    expect(JSON.parse(profiles['inbox-components'].body(eventToSend({ data: { id: 7 } }))).id).toBe(7);
  });

  test("omnichannel's event is the event type even when the data has a field of that name", () => {
    const body = profiles.omnichannel.body(eventToSend({ type: 'real', data: { a: 1, event: 'forged' } }));
    expect(body).toBe('{"event":"real","a":1}');
  });

  test.each<JsonValue>([null, 'text', 7, [1, 2]])('omnichannel cannot send %j', (data) => {
    expect(() => profiles.omnichannel.body(eventToSend({ data }))).toThrow(UnsendableEventError);
  });

  test.each<JsonValue>([null, {}, { messages: null }, { messages: {} }, { messages: ['text'] }, []])(
    'app-inbox cannot send %j',
    (data) => {
      expect(() => profiles['app-inbox'].body(eventToSend({ data }))).toThrow(UnsendableEventError);
    },
  );

  test('every body is JSON and comes out the same each time, whatever the data', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...profileNames),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (name, fields) => {
          const data = JSON.parse(JSON.stringify({ ...fields, messages: [] })) as JsonValue;
          const body = profiles[name].body(eventToSend({ data }));
          JSON.parse(body);
          expect(profiles[name].body(eventToSend({ data: JSON.parse(JSON.stringify(data)) }))).toBe(body);
        },
      ),
    );
  });
});

describe('what each profile says of itself', () => {
  test('retries come at the times that the documents name', () => {
    const minutes = (name: keyof typeof profiles) =>
      stepsOf(profiles[name].retrySchedule).map((ms) => ms / 60_000);
    expect(minutes('inbox')).toEqual([0, 0.5, 2, 8, 32, 120]);
    expect(minutes('inbox-components')).toEqual([0, 0.5, 2, 8, 32, 120]);
    expect(minutes('app-inbox')).toEqual(minutes('inbox'));
    expect(minutes('omnichannel')).toEqual(minutes('inbox'));
    expect(minutes('standard')).toEqual([0, 5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]);
  });

  test("inbox's attempts stand at the total times of seed 003's table", () => {
    const totals = stepsOf(profiles.inbox.retrySchedule).map(
      (_, index, steps) => steps.slice(0, index + 1).reduce((sum, step) => sum + step, 0) / 1000,
    );
    expect(totals).toEqual([0, 30, 150, 630, 2_550, 9_750]);
  });

  test('inbox-components makes one attempt and up to 5 retries, over https, and counts attempts', () => {
    const profile = profiles['inbox-components'];
    expect(attemptsOf(profile.retrySchedule)).toBe(1 + 5);
    expect(profile.httpsOnly).toBe(true);
    expect(profile.health).toMatchObject({ count: 'attempts', failures: 5, reenable: 'manual' });
  });

  test('app-inbox permits no authentication or basic, and carries its lists only', () => {
    expect(profiles['app-inbox'].authTypes).toEqual(['none', 'basic']);
    expect(carriesType(profiles['app-inbox'], 'inbox.messages')).toBe(true);
    expect(carriesType(profiles['app-inbox'], 'message.read')).toBe(false);
  });

  test('every profile signs by Standard Webhooks; inbox alone signs its own way as well', () => {
    for (const name of profileNames) expect(profiles[name].signs).toContain('standard-webhooks');
    expect(profileNames.filter((name) => profiles[name].signs.includes('x-inbox-signature'))).toEqual([
      'inbox',
    ]);
  });

  test('a profile stands under its own name', () => {
    for (const name of profileNames) expect(profiles[name].name).toBe(name);
    expect(isProfileName('inbox')).toBe(true);
    expect(isProfileName('toString')).toBe(false);
  });
});

describe('the catalogue', () => {
  test("has the event types of the documents and Postrider's own, each once", () => {
    expect(eventCatalogue.map(({ type }) => type).sort()).toEqual([
      'delivery.failed',
      'inbox.messages',
      'message.action',
      'message.delivered',
      'message.failed',
      'message.read',
      'message.received',
      'message.sent',
      'newMessage',
      'webhook.disabled',
      'webhook.enabled',
      'webhook.failing',
    ]);
    expect(eventCatalogue.every(({ type }) => isEventType(type))).toBe(true);
  });

  test.each([
    'inbox-message.delivered',
    'inbox-message.read',
    'inbox-message.failed',
    'inbox-message.action',
    'inbox-components-message.sent',
    'inbox-components-message.received',
  ])("its examples are the documents' own data: %s", (name) => {
    const type = name.slice(name.indexOf('message.'));
    const { data } = JSON.parse(golden(name));
    expect(JSON.stringify(catalogueEntry(type)?.example)).toBe(JSON.stringify(data));
  });

  test("the example of newMessage is the document's own", () => {
    const { event, ...data } = JSON.parse(golden('omnichannel-newMessage'));
    expect(JSON.stringify(catalogueEntry(event)?.example)).toBe(JSON.stringify(data));
  });

  test('every profile can send the examples of its own types', () => {
    for (const profile of Object.values(profiles)) {
      for (const { type, example } of profile.catalogue) {
        expect(carriesType(profile, type)).toBe(true);
        expect(() => profile.body(eventToSend({ type, data: example }))).not.toThrow();
      }
    }
  });

  test('has no entry for a type that is not built in', () => {
    expect(catalogueEntry('order.paid')).toBeUndefined();
  });
});

describe('ids', () => {
  test('an idempotency key is the SHA-256 of the internal id in hex', () => {
    const key = idempotencyKeyOf('evt_01jhmz');
    expect(key).toBe(createHash('sha256').update('evt_01jhmz').digest('hex'));
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(idempotencyKeyOf('evt_01jhmy')).not.toBe(key);
  });

  test.each(['evt_1', 'order-7', 'A'.repeat(128)])('%s can be an event id', (id) => {
    expect(isEventId(id)).toBe(true);
  });

  test.each(['', 'a.b', 'a b', 'ä', 'a\n', 'A'.repeat(129)])('%j cannot be an event id', (id) => {
    expect(isEventId(id)).toBe(false);
  });
});
