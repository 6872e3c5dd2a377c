import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildPage } from './build-page.js';
import { withElapsed } from './elapsed.js';
import { oneAtATime } from './one-at-a-time.js';
import { CommandFailed, runCommand } from './run-command.js';

const sourceFolders = [
  'activities',
  'api',
  'bench',
  'cli',
  'dashboard',
  'db',
  'delivery',
  'demo',
  'sdk/client/src',
  'telemetry',
  'temporal',
  'webhook',
  'workflows',
];
/** Folders that become dist/, or were it. */
const besides = '.dist-';
const otherSources = [
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build.js',
  'scripts/build-page.js',
];

/**
 * Compiles the sources into dist/ and builds the workflows' bundle and the dashboard's page there, when dist/ was made from other sources. It is made
 * beside and then renamed, so that it is whole or not there; of several that build at once one does.
 * @param {string} root the checkout
 */
export async function build(root) {
  const dist = join(root, 'dist');
  if (builtFrom(dist) === hashOf(root, sourcesOf(root))) return;
  await oneAtATime(join(root, '.preparing'), async () => {
    const wanted = hashOf(root, sourcesOf(root));
    if (builtFrom(dist) === wanted) return;
    await withElapsed('compiling', async () => {
      removeLeftOvers(root);
      // In the checkout, where the compiled files find their packages.
      const fresh = join(root, `${besides}${randomUUID()}`);
      try {
        await compile(root, fresh);
        await bundleWorkflows(fresh);
        await buildPage(root, join(fresh, 'page'));
        writeFileSync(join(fresh, 'built-from'), wanted);
        if (existsSync(dist)) renameSync(dist, join(root, `${besides}old`));
        renameSync(fresh, dist);
      } finally {
        removeLeftOvers(root);
      }
    });
  });
}

/**
 * @param {string} root
 * @param {string} folder
 */
async function compile(root, folder) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await runCommand(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', folder], {
    cwd: root,
  });
  cpSync(join(root, 'db', 'migrations'), join(folder, 'db', 'migrations'), { recursive: true });
}

/** @param {string} root */
function removeLeftOvers(root) {
  for (const name of readdirSync(root)) {
    if (name.startsWith(besides)) rmSync(join(root, name), { recursive: true, force: true });
  }
}

/** @param {string} folder of the compiled files */
async function bundleWorkflows(folder) {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const silent = () => {};
  const logger = {
    log: silent,
    trace: silent,
    debug: silent,
    info: silent,
    warn: console.warn,
    error: console.error,
  };
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'workflows', 'index.js'),
    workflowInterceptorModules: [join(folder, 'workflows', 'trace-header.js')],
    logger,
  });
  writeFileSync(join(folder, 'workflow-bundle.js'), code);
}

/** @param {string} root @returns {string[]} */
function sourcesOf(root) {
  const within = sourceFolders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const top = readdirSync(root).filter((name) => name.endsWith('.ts') && !name.endsWith('.config.ts'));
  return [...within, ...[...top, ...otherSources].map((name) => join(root, name))].sort();
}

/** @param {string} root @param {readonly string[]} files */
function hashOf(root, files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** @param {string} dist */
function builtFrom(dist) {
  const file = join(dist, 'built-from');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

if (import.meta.url === pathToFileURL(resolve(process.argv[1] ?? '')).href) {
  try {
    await build(fileURLToPath(new URL('..', import.meta.url)));
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
