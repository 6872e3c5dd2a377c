import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTests } from './prepare-tests.js';

// npm run screenshots [folder]: pictures of every page of the dashboard, light, dark and narrow, in docs/images or there.

const root = fileURLToPath(new URL('..', import.meta.url));
await prepareTests(root);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project=screenshots'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SCREENSHOTS: process.argv[2] ?? join(root, 'docs', 'images') },
});
process.exitCode = status ?? 1;
