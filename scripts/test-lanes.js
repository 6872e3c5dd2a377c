import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTests } from './prepare-tests.js';

// node scripts/test-lanes.js [lanes]: leaves so many lanes at rest, on PostgreSQL, and says how many workflows run meanwhile.

const root = fileURLToPath(new URL('..', import.meta.url));
const lanes = process.argv[2] ?? '10000';
if (!/^[1-9]\d*$/.test(lanes)) {
  console.error('test:lanes: how many lanes? A whole number above 0');
  process.exit(1);
}
await prepareTests(root);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project=postgres', 'test/workflows/lanes-at-rest.test.ts'],
  { cwd: root, stdio: 'inherit', env: { ...process.env, LANES: lanes } },
);
process.exitCode = status ?? 1;
