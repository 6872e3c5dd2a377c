import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withElapsed } from './elapsed.js';
import { oneAtATime } from './one-at-a-time.js';
import { runCommand } from './run-command.js';

/**
 * Installs the packages of package-lock.json when they are missing, or are those of another one or of another kind of
 * machine.
 * @param {string} root the checkout
 */
export async function installPackages(root) {
  if (areInstalled(root)) return;
  await oneAtATime(join(root, '.preparing'), async () => {
    if (areInstalled(root)) return;
    // On Windows npm is a script, which only a shell runs. The compiler is among the development packages.
    const shell = process.platform === 'win32';
    await withElapsed('installing the packages (npm ci)', () =>
      runCommand('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: root, shell }),
    );
    writeFileSync(stampOf(root), wanted(root));
  });
}

/** @param {string} root */
function areInstalled(root) {
  const stamp = stampOf(root);
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted(root);
  if (!areInstalledByHand(root)) return false;
  writeFileSync(stamp, wanted(root));
  return true;
}

/**
 * Whether npm's own note of what it has installed, which it writes last, agrees with package-lock.json.
 * @param {string} root
 */
function areInstalledByHand(root) {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  const locked = readPackages(join(root, 'package-lock.json'));
  if (installed === undefined || locked === undefined) return false;
  // Optional ones are for other kinds of machine, for the most part.
  return Object.entries(locked).every(
    ([path, { version, optional }]) =>
      path === '' || optional || (installed[path]?.version === version && existsSync(join(root, path))),
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @param {string} root */
function stampOf(root) {
  return join(root, 'node_modules', '.postrider-packages');
}

/** @param {string} root */
function wanted(root) {
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return `${lock.digest('hex')} ${process.platform} ${process.arch}`;
}
