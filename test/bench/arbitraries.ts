import fc from 'fast-check';
import type { Layout } from '../../bench/layout.ts';

export const layouts: fc.Arbitrary<Layout> = fc.record({
  accounts: fc.integer({ min: 1, max: 7 }),
  typesPerAccount: fc.integer({ min: 1, max: 7 }),
  fanOut: fc.integer({ min: 1, max: 12 }),
  everyFifth: fc.constantFrom('ok', 'fails', 'hangs'),
  receivers: fc.constant(1),
  lanes: fc.constant(0),
});
