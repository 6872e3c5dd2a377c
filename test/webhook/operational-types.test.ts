import { describe, expect, test } from 'vitest';
import {
  type EndpointEventData,
  endpointEventData,
  operationalCatalogue,
  operationalTypes,
} from '../../webhook/operational-types.ts';
import { profiles } from '../../webhook/profiles.ts';
import { carriesType } from '../../webhook/subscriptions.ts';
import { eventToSend } from './events.ts';

const data: EndpointEventData = {
  webhook_id: 'wh_1',
  description: 'd',
  state: 'disabled',
  reason: 'switched off',
  consecutive_failures: 2,
  since: '2025-01-15T10:25:03.000Z',
  last_failure: { at: '2025-01-15T10:25:03.000Z', reason: 'answered 500' },
  by: 'key_1',
};

describe('the data of an event about an endpoint', () => {
  test('holds its fields and nothing else of the record that it is made of', () => {
    const record = {
      ...data,
      url: 'https://user:hunter2@receiver.test/',
      last_failure: { at: '2025-01-15T10:25:03.000Z', reason: 'answered 500', body: 'hunter2' },
    };
    expect(endpointEventData(record)).toEqual(data);
  });

  test('has its fields in one order, whatever order they came in', () => {
    const reversed = Object.fromEntries(Object.entries(data).reverse()) as EndpointEventData;
    expect(JSON.stringify(endpointEventData(reversed))).toBe(JSON.stringify(data));
  });

  test('is the same when there was no failure yet', () => {
    expect(endpointEventData({ ...data, last_failure: null })).toEqual({ ...data, last_failure: null });
  });
});

describe('the catalogue of operational types', () => {
  test('has each of them once', () => {
    expect(operationalCatalogue.map(({ type }) => type)).toEqual([...operationalTypes]);
  });

  test('has examples that every dialect which carries them can send', () => {
    const carrying = Object.values(profiles).filter((profile) => carriesType(profile, 'webhook.disabled'));
    expect(carrying.map(({ name }) => name)).toEqual([
      'inbox',
      'inbox-components',
      'omnichannel',
      'standard',
    ]);
    for (const profile of carrying) {
      for (const { type, example } of operationalCatalogue) {
        expect(profile.body(eventToSend({ type, data: example }))).toContain(type);
      }
    }
  });
});
