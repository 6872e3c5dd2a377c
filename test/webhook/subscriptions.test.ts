import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operationalTypes } from '../../webhook/operational-types.ts';
import { profiles } from '../../webhook/profiles.ts';
import { canSubscribe, isEventType, isPattern, matches, subscribes } from '../../webhook/subscriptions.ts';

const names = ['message.delivered', 'newMessage', 'a', 'a.b.c', 'A-1_b.c', 'x'.repeat(128)];
const noNames = [
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  'a b',
  'ä',
  'a*',
  'a.*.b',
  '**',
  'a.**',
  'a\n',
  'x'.repeat(129),
];

describe('names', () => {
  test.each(names)('%s names an event type and is a pattern', (name) => {
    expect(isEventType(name)).toBe(true);
    expect(isPattern(name)).toBe(true);
  });

  test.each(['*', 'message.*', 'a.b.*'])('%s is a pattern and names no event type', (pattern) => {
    expect(isPattern(pattern)).toBe(true);
    expect(isEventType(pattern)).toBe(false);
  });

  test.each([...noNames, '.*', '*.*', '*.a'])('%j is neither', (text) => {
    expect(isEventType(text)).toBe(false);
    expect(isPattern(text)).toBe(false);
  });
});

describe('patterns', () => {
  test.each([
    ['message.read', 'message.read', true],
    ['message.read', 'message.readers', false],
    ['message.read', 'Message.read', false],
    ['message.*', 'message.read', true],
    ['message.*', 'message.read.late', true],
    ['message.*', 'message', false],
    ['message.*', 'messages.read', false],
    ['*', 'anything.at.all', true],
  ])('%s on %s: %s', (pattern, type, expected) => {
    expect(matches(pattern, type)).toBe(expected);
  });

  test('a type is taken by itself, by each of its prefixes and by the star', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const type = segments.join('.');
        const prefixes = segments.slice(1).map((_, index) => `${segments.slice(0, index + 1).join('.')}.*`);
        for (const pattern of [type, '*', ...prefixes]) expect(matches(pattern, type)).toBe(true);
        expect(matches(`${type}.*`, type)).toBe(false);
      }),
    );
  });
});

describe('subscriptions', () => {
  const webhook = { eventTypes: ['message.*'], channels: null, profile: profiles.inbox };
  const event = { type: 'message.read', channel: 'ch_1' };

  test('a webhook gets the types that it named', () => {
    expect(subscribes(webhook, event)).toBe(true);
    expect(subscribes(webhook, { ...event, type: 'newMessage' })).toBe(false);
    expect(subscribes({ ...webhook, eventTypes: [] }, event)).toBe(false);
    expect(subscribes({ ...webhook, eventTypes: ['newMessage', 'message.read'] }, event)).toBe(true);
  });

  test.each([null, []])(
    'an account-level webhook (channels %j) gets the events of every channel and of none',
    (channels) => {
      expect(subscribes({ ...webhook, channels }, event)).toBe(true);
      expect(subscribes({ ...webhook, channels }, { ...event, channel: null })).toBe(true);
    },
  );

  test("a channel-level webhook gets its channels' events only", () => {
    const channels = ['ch_1', 'ch_2'];
    expect(subscribes({ ...webhook, channels }, event)).toBe(true);
    expect(subscribes({ ...webhook, channels }, { ...event, channel: 'ch_3' })).toBe(false);
    expect(subscribes({ ...webhook, channels }, { ...event, channel: null })).toBe(false);
  });

  test('an app-inbox webhook gets its lists and nothing else, even by the star', () => {
    const star = { eventTypes: ['*'], channels: null, profile: profiles['app-inbox'] };
    expect(subscribes(star, { type: 'inbox.messages', channel: null })).toBe(true);
    expect(subscribes(star, { type: 'message.read', channel: null })).toBe(false);
  });

  test('a pattern that a profile could never serve is told from one that it could', () => {
    const appInbox = profiles['app-inbox'];
    for (const pattern of ['*', 'inbox.*', 'inbox.messages'])
      expect(canSubscribe(appInbox, pattern)).toBe(true);
    for (const pattern of ['message.*', 'inbox.other']) expect(canSubscribe(appInbox, pattern)).toBe(false);
    expect(canSubscribe(profiles.omnichannel, 'message.*')).toBe(true);
  });
});

describe('operational events', () => {
  const operational = operationalTypes.map((type) => ({ type, channel: null, isOperational: true }));
  const of = (eventTypes: string[], channels: string[] | null = null) => ({
    ...{ eventTypes, channels },
    profile: profiles.inbox,
  });

  test.each(operational)('$type goes to webhooks that name it, not to the star', (event) => {
    const [group] = event.type.split('.');
    expect(subscribes(of([event.type]), event)).toBe(true);
    expect(subscribes(of([`${group}.*`]), event)).toBe(true);
    expect(subscribes(of(['*', event.type]), event)).toBe(true);
    expect(subscribes(of(['*']), event)).toBe(false);
    expect(subscribes(of(['*', 'message.*', `${group}`]), event)).toBe(false);
  });

  test('go to a webhook of certain channels that names them', () => {
    for (const event of operational) expect(subscribes(of([event.type], ['ch_1']), event)).toBe(true);
  });

  test('go to no webhook whose dialect cannot express them', () => {
    const appInbox = { ...of([...operationalTypes]), profile: profiles['app-inbox'] };
    for (const event of operational) expect(subscribes(appInbox, event)).toBe(false);
  });

  test('are taken by exactly the patterns that take their type, but for the star', () => {
    const pattern = fc.constantFrom(
      '*',
      'webhook.*',
      'delivery.*',
      'webhook.disabled',
      'delivery.failed',
      'x.*',
    );
    fc.assert(
      fc.property(fc.array(pattern), fc.constantFrom(...operational), (patterns, event) => {
        const named = patterns.filter((one) => one !== '*');
        expect(subscribes(of(patterns), event)).toBe(named.some((one) => matches(one, event.type)));
      }),
    );
  });

  test('that a producer posted under such a name are events like any other', () => {
    expect(subscribes(of(['*']), { type: 'webhook.disabled', channel: null })).toBe(true);
  });
});
