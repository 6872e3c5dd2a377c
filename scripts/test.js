import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTests } from './prepare-tests.js';

// node scripts/test.js [embedded | postgres] [what vitest takes]: without a database, the checks and the tests on both.

const root = fileURLToPath(new URL('..', import.meta.url));
const [database, ...rest] = process.argv.slice(2);
const projects = {
  embedded: ['once', 'embedded', 'browser', 'browser-measured'],
  postgres: ['postgres', 'browser-postgres', 'schemathesis'],
};
const isOne = database === 'embedded' || database === 'postgres';

/** @typedef {{ passed: number, failed: number, problems: string[] }} Outcome */

/** @returns {Outcome} */
function check() {
  const { status } = spawnSync('npm', ['run', '--silent', 'check'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status === 0) return { passed: 0, failed: 0, problems: [] };
  return { passed: 0, failed: 1, problems: ['npm run check'] };
}

/**
 * @param {readonly string[]} args
 * @returns {Outcome}
 */
function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-test-'));
  try {
    const file = join(folder, 'results.json');
    const { status, signal } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
        ...args,
      ],
      { cwd: root, stdio: 'inherit' },
    );
    if (!existsSync(file))
      return { passed: 0, failed: 1, problems: [`vitest ended with ${signal ?? status}`] };
    return outcomeOf(JSON.parse(readFileSync(file, 'utf8')), status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A file that could not be run at all has no tests to count, and counts as one that failed; so does what went wrong
 * outside of every file.
 * @param {{ numPassedTests: number, numFailedTests: number, testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} results
 * @param {number | null} status
 * @returns {Outcome}
 */
function outcomeOf({ numPassedTests: passed, numFailedTests, testResults }, status) {
  const isFailed = (/** @type {{ status: string }} */ { status }) => status === 'failed';
  const problems = testResults.filter(isFailed).flatMap(({ name, assertionResults }) => {
    const tests = assertionResults.filter(isFailed);
    return tests.length === 0 ? [name] : tests.map(({ fullName }) => `${name}: ${fullName}`);
  });
  const filesOnly = testResults.filter(
    (file) => isFailed(file) && !file.assertionResults.some(isFailed),
  ).length;
  const failed = numFailedTests + filesOnly;
  if (failed === 0 && status !== 0) return { passed, failed: 1, problems: [`vitest exit code ${status}`] };
  return { passed, failed, problems };
}

/** @returns {Promise<Outcome[]>} */
async function run() {
  try {
    await prepareTests(root);
  } catch (error) {
    return [{ passed: 0, failed: 1, problems: [error instanceof Error ? error.message : `${error}`] }];
  }
  if (!isOne) return [check(), vitest(process.argv.slice(2))];
  return [vitest([...projects[database].map((project) => `--project=${project}`), ...rest])];
}

const outcomes = await run();
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
for (const problem of outcomes.flatMap(({ problems }) => problems)) console.log(`failed: ${problem}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
