import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTests } from './prepare-tests.js';

// node scripts/test-retention.js [rows]: deletes so many old events on PostgreSQL while others come in, and says how long all took.

const root = fileURLToPath(new URL('..', import.meta.url));
const rows = process.argv[2] ?? '1000000';
if (!/^[1-9]\d*$/.test(rows)) {
  console.error('test:retention: how many events? A whole number above 0');
  process.exit(1);
}
await prepareTests(root);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project=postgres', 'test/activities/retention-load.test.ts'],
  { cwd: root, stdio: 'inherit', env: { ...process.env, RETENTION_ROWS: rows } },
);
process.exitCode = status ?? 1;
