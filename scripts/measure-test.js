import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTests } from './prepare-tests.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs one test file on PostgreSQL alone, with as much of what it measures as the command's argument says, or `usual`: more than `npm
 * test` has time for.
 * @param {{ name: string, what: string, usual: string, file: string, variable: string }} test `name`: of the command; `variable`: of
 *   the environment, where the file reads how many
 */
export async function measureTest({ name, what, usual, file, variable }) {
  const count = process.argv[2] ?? usual;
  if (!/^[1-9]\d*$/.test(count)) {
    console.error(`${name}: how many ${what}? A whole number above 0`);
    process.exit(1);
  }
  await prepareTests(root);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project=postgres', file], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, [variable]: count },
  });
  process.exitCode = status ?? 1;
}
