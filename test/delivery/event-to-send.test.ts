import { expect, it } from 'vitest';
import { newId, timeOf } from '../../db/ids.ts';
import { bodyByProfile, eventToSend } from '../../delivery/event-to-send.ts';
import type { EventToSend } from '../../webhook/profile.ts';

function stored(data: object) {
  const id = newId('evt');
  const created_at = timeOf(id);
  return { id, client_id: null, type: 'a.b', channel: null, data: JSON.stringify(data), created_at };
}

function countingProfile() {
  const profile = {
    made: 0,
    body: ({ data }: EventToSend) => {
      profile.made += 1;
      return JSON.stringify(data);
    },
  };
  return profile;
}

it('makes the body of an event once for all its deliveries that begin one after the other', () => {
  const profile = countingProfile();
  const event = stored({ a: 1 });
  const bodies = Array.from({ length: 10 }, () => bodyByProfile(profile, eventToSend(event)));
  expect(new Set(bodies)).toEqual(new Set(['{"a":1}']));
  expect(profile.made).toBe(1);
});

it('makes a body for each profile and each event, whatever was made just before', () => {
  const [one, other] = [countingProfile(), { body: () => 'other' }];
  const [first, second] = [stored({ a: 1 }), stored({ a: 2 })];
  expect(bodyByProfile(one, eventToSend(first))).toBe('{"a":1}');
  expect(bodyByProfile(other, eventToSend(first))).toBe('other');
  const held = eventToSend(first);
  expect(bodyByProfile(one, eventToSend(second))).toBe('{"a":2}');
  expect(bodyByProfile(one, held)).toBe('{"a":1}');
});
