import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withElapsed } from './elapsed.js';
import { chromiumAdvice, findChromium } from './find-chromium.js';
import { findPostgres, postgresAdvice } from './find-postgres.js';
import { findPromtool, promtoolAdvice, unpackPromtool } from './find-promtool.js';
import {
  findPythonWithVenv,
  findSchemathesis,
  installSchemathesis,
  schemathesisAdvice,
} from './find-schemathesis.js';
import { installPackages } from './install-packages.js';
import { runCommand } from './run-command.js';

/**
 * Installs what the tests need and this machine lacks: the packages, PostgreSQL and Chromium where root may install them
 * with apt-get, promtool out of Debian's package, and Schemathesis with pip. The Temporal CLI is found or installed when the tests' server is started.
 * @param {string} root the checkout
 */
export async function prepareTests(root) {
  await installPackages(root);
  await installProgram({ name: 'postgresql', find: findPostgres, advice: postgresAdvice });
  await installProgram({ name: 'chromium', find: findChromium, advice: chromiumAdvice });
  await preparePromtool();
  await prepareSchemathesis();
}

/** @param {{ name: string, find: () => unknown, advice: string }} program `name` is that of its Debian package */
async function installProgram({ name, find, advice }) {
  if (find() !== undefined) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(advice);
  await withElapsed(`installing ${name} (apt-get install ${name})`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await runCommand('apt-get', ['update'], { env });
    await runCommand('apt-get', ['install', '--yes', '--no-install-recommends', name], { env });
  });
  if (find() === undefined) throw new Error(advice);
}

async function preparePromtool() {
  if (findPromtool() !== undefined) return;
  if (!existsSync('/usr/bin/apt-get')) throw new Error(promtoolAdvice);
  await withElapsed('fetching promtool (of the Debian package prometheus)', async () => {
    // A machine that is new knows of no packages, and root alone may ask for them.
    if (process.getuid?.() === 0) await runCommand('apt-get', ['update']);
    await unpackPromtool();
  });
  if (findPromtool() === undefined) throw new Error(promtoolAdvice);
}

async function prepareSchemathesis() {
  if (findSchemathesis() !== undefined) return;
  await installProgram({ name: 'python3-venv', find: findPythonWithVenv, advice: schemathesisAdvice });
  const python = findPythonWithVenv();
  if (python === undefined) throw new Error(schemathesisAdvice);
  await withElapsed('installing Schemathesis (pip install schemathesis)', () => installSchemathesis(python));
  if (findSchemathesis() === undefined) throw new Error(schemathesisAdvice);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await prepareTests(fileURLToPath(new URL('..', import.meta.url)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
