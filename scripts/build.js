import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withElapsed } from './elapsed.js';
import { runCommand } from './run-command.js';

const sourceFolders = ['activities', 'api', 'db', 'delivery', 'demo', 'temporal', 'webhook', 'workflows'];
const otherSources = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.js'];

/**
 * Compiles the sources into dist/ and bundles the workflows there, when dist/ was made from other sources. It is made
 * beside and then renamed, so that whoever runs at the same time finds it whole.
 * @param {string} root the checkout
 */
export async function build(root) {
  const dist = join(root, 'dist');
  const wanted = hashOf(root, sourcesOf(root));
  if (builtFrom(dist) === wanted) return;
  await withElapsed('compiling', async () => {
    // Within the checkout, where the compiled files find their packages.
    const fresh = join(root, 'node_modules', `.postrider-build-${randomUUID()}`);
    const old = `${fresh}-old`;
    try {
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      await runCommand(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', fresh], {
        cwd: root,
      });
      cpSync(join(root, 'db', 'migrations'), join(fresh, 'db', 'migrations'), { recursive: true });
      await bundleWorkflows(fresh);
      writeFileSync(join(fresh, 'built-from'), wanted);
      if (existsSync(dist)) renameSync(dist, old);
      renameSync(fresh, dist);
    } catch (error) {
      // Another start may have put the same build there first.
      if (builtFrom(dist) !== wanted) throw error;
    } finally {
      rmSync(fresh, { recursive: true, force: true });
      rmSync(old, { recursive: true, force: true });
    }
  });
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
  const { code } = await bundleWorkflowCode({ workflowsPath: join(folder, 'workflows', 'index.js'), logger });
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
  await build(fileURLToPath(new URL('..', import.meta.url)));
}
