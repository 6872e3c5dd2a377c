import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.js';

// Makes package-lock.json anew. In a folder without packages, since npm leaves those of other platforms out of a lock that
// has no download addresses when it finds this platform's installed, and `npm ci` then refuses the lock.
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'postrider-lock-'));
try {
  for (const name of ['package.json', '.npmrc']) copyFileSync(join(root, name), join(folder, name));
  await runCommand('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
    cwd: folder,
    shell: process.platform === 'win32',
  });
  const lock = join(folder, 'package-lock.json');
  if (readFileSync(lock, 'utf8').includes('"resolved": "http')) {
    throw new Error('the lock has download addresses: .npmrc should leave them out');
  }
  copyFileSync(lock, join(root, 'package-lock.json'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
