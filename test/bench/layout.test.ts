import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  behaviourOf,
  deliveryIndex,
  endpointCount,
  eventType,
  firstEndpointOf,
  healthyEndpointsOf,
  type Layout,
  ownerOf,
  placeOf,
} from '../../bench/layout.ts';
import { layouts } from './arbitraries.ts';

const endpointsOf = (layout: Layout, seq: number) =>
  Array.from({ length: layout.fanOut }, (_, index) => firstEndpointOf(layout, seq) + index);

it('an event goes to endpoints of its own account that subscribe to its type, and to all of them', () => {
  fc.assert(
    fc.property(layouts, fc.nat(100_000), (layout, seq) => {
      const all = Array.from({ length: endpointCount(layout) }, (_, endpoint) => endpoint);
      const place = placeOf(layout, seq);
      const subscribed = all.filter((endpoint) => {
        const { account, type } = ownerOf(layout, endpoint);
        return account === place.account && eventType(type) === eventType(place.type);
      });
      expect(endpointsOf(layout, seq)).toEqual(subscribed);
    }),
  );
});

it('no two deliveries have the same place in the ledger, and none is left empty between them', () => {
  fc.assert(
    fc.property(layouts, fc.integer({ min: 1, max: 200 }), (layout, events) => {
      const indexes = Array.from({ length: events }, (_, seq) =>
        endpointsOf(layout, seq).map((endpoint) => deliveryIndex(layout, seq, endpoint)),
      ).flat();
      expect(indexes.sort((a, b) => a - b)).toEqual(
        Array.from({ length: events * layout.fanOut }, (_, index) => index),
      );
    }),
  );
});

it('every endpoint gets its share of the events', () => {
  fc.assert(
    fc.property(layouts, (layout) => {
      const places = layout.accounts * layout.typesPerAccount;
      const first = Array.from({ length: places }, (_, seq) => firstEndpointOf(layout, seq));
      expect(new Set(first).size).toBe(places);
    }),
  );
});

it('a fifth of fifty endpoints behaves otherwise, and what is healthy of an event is counted by it', () => {
  const layout: Layout = {
    accounts: 1,
    typesPerAccount: 1,
    fanOut: 50,
    everyFifth: 'hangs',
    receivers: 50,
    lanes: 0,
  };
  const behaviours = endpointsOf(layout, 0).map((endpoint) => behaviourOf(layout, endpoint));
  expect(behaviours.filter((behaviour) => behaviour === 'hangs')).toHaveLength(10);
  expect(healthyEndpointsOf(layout, 0)).toBe(40);
});
