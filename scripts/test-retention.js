import { measureTest } from './measure-test.js';

// node scripts/test-retention.js [rows]: deletes so many old events on PostgreSQL while others come in, and says how long all took.
await measureTest({
  name: 'test:retention',
  what: 'events',
  usual: '1000000',
  file: 'test/activities/retention-load.test.ts',
  variable: 'RETENTION_ROWS',
});
