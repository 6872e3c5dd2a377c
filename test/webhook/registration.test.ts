import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inboxMessagesType } from '../../webhook/profiles/app-inbox.ts';
import { completeRegistration } from '../../webhook/registration.ts';

const url = 'https://receiver.test/';

describe('a registration', () => {
  test('that names event types is left as it is', () => {
    fc.assert(
      fc.property(fc.object(), fc.anything({ withNullPrototype: false }), (fields, events) => {
        fc.pre(events !== undefined);
        const body = { ...fields, events };
        expect(completeRegistration(body)).toEqual({ body });
      }),
    );
  });

  test('with another field than those of a document’s own form has to name its event types', () => {
    const others = fc
      .string()
      .filter((name) => !['url', 'auth', 'events', 'profile', '__proto__'].includes(name));
    fc.assert(
      fc.property(others, fc.jsonValue(), (name, value) => {
        const body = { url, [name]: value };
        expect(completeRegistration(body)).toEqual({ body });
      }),
    );
  });

  test.each([
    [{ url }],
    [{ url, auth: { type: 'basic', username: 'u', password: 'p' } }],
    [{ url, profile: 'app-inbox', description: 'd', auth: { type: 'none' } }],
  ])('%j is one for App Inbox lists', (body) => {
    const whole = { ...body, profile: 'app-inbox', events: [inboxMessagesType] };
    expect(completeRegistration(body)).toEqual({ body: whole });
  });

  test.each([['inbox'], ['omnichannel'], ['nope'], ['constructor']])(
    'of the profile %s has to name its event types',
    (profile) => {
      expect(completeRegistration({ url, profile })).toEqual({ body: { url, profile } });
    },
  );

  test.each([
    ['bearer', '"bearer" is not supported: Supported basic type only'],
    ['a b', 'Supported basic type only'],
    ['x'.repeat(33), 'Supported basic type only'],
  ])('in the document’s form with auth of the type %s is refused', (type, detail) => {
    const problem = { path: ['auth', 'type'], detail };
    expect(completeRegistration({ url, auth: { type } })).toEqual({ problem });
  });
});
