import { measureTest } from './measure-test.js';

// node scripts/test-lanes.js [lanes]: leaves so many lanes at rest, on PostgreSQL, and says how many workflows run meanwhile.
await measureTest({
  name: 'test:lanes',
  what: 'lanes',
  usual: '10000',
  file: 'test/workflows/lanes-at-rest.test.ts',
  variable: 'LANES',
});
