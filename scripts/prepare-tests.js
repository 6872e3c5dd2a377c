import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withElapsed } from './elapsed.js';
import { findPostgres, postgresAdvice } from './find-postgres.js';
import { installPackages } from './install-packages.js';
import { runCommand } from './run-command.js';

/**
 * Installs what the tests need and this machine lacks: the packages, and PostgreSQL where root may install it with apt-get.
 * The Temporal CLI is found or installed when the tests' server is started.
 * @param {string} root the checkout
 */
export async function prepareTests(root) {
  await installPackages(root);
  if (findPostgres() !== undefined) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(postgresAdvice);
  await withElapsed('installing PostgreSQL (apt-get install postgresql)', async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await runCommand('apt-get', ['update'], { env });
    await runCommand('apt-get', ['install', '--yes', '--no-install-recommends', 'postgresql'], { env });
  });
  if (findPostgres() === undefined) throw new Error(postgresAdvice);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await prepareTests(fileURLToPath(new URL('..', import.meta.url)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
