import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withElapsed } from './elapsed.js';
import { runCommand } from './run-command.js';

/**
 * Installs the packages of package-lock.json when they are missing, or are those of another one.
 * @param {string} root the checkout
 */
export async function installPackages(root) {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.postrider-packages');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // On Windows npm is a script, which only a shell runs.
  const shell = process.platform === 'win32';
  await withElapsed('installing the packages (npm ci)', () =>
    runCommand('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, shell }),
  );
  writeFileSync(stamp, wanted);
}
