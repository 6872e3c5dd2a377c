import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.js';

const version = '4.32.5';

/** What to tell someone on whose machine Schemathesis is neither found nor to be had. */
export const schemathesisAdvice = `Schemathesis was not found. The API is tested with it; it needs Python 3.10 or later, with venv and pip:
  Debian, Ubuntu   apt-get install python3-venv
Or install it, and name its program st in SCHEMATHESIS_PATH:
  pip install schemathesis==${version}`;

const cache = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'postrider',
  `schemathesis-${version}`,
);
/** The versions that it was tried with of what it needs. */
const constraints = fileURLToPath(new URL('../test/schemathesis/constraints.txt', import.meta.url));

/**
 * Finds Schemathesis on this machine: SCHEMATHESIS_PATH, or where `installSchemathesis` has put it. Undefined when there is none.
 * @returns {string | undefined} the program
 */
export function findSchemathesis() {
  const named = process.env.SCHEMATHESIS_PATH;
  const program = named !== undefined && named !== '' ? named : join(cache, 'bin', 'st');
  return existsSync(program) ? program : undefined;
}

/** A Python that makes environments of its own, with pip; undefined when there is none. */
export function findPythonWithVenv() {
  const args = ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'];
  const isUsable = (/** @type {string} */ python) =>
    spawnSync(python, args, { stdio: 'ignore' }).status === 0;
  return ['python3', '/usr/bin/python3'].find(isUsable);
}

/**
 * Installs it with pip into an environment of its own, in the cache folder.
 * @param {string} python
 */
export async function installSchemathesis(python) {
  // What is left of an installation that was broken off.
  rmSync(cache, { recursive: true, force: true });
  try {
    await runCommand(python, ['-m', 'venv', cache]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await runCommand(join(cache, 'bin', 'python'), [
      ...pip,
      ...['--constraint', constraints, `schemathesis==${version}`],
    ]);
  } catch (error) {
    rmSync(cache, { recursive: true, force: true });
    throw error;
  }
}
