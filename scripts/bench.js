import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.js';
import { installPackages } from './install-packages.js';

// npm run bench: see bench/ and docs/performance.md.

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {string | undefined} */
let copy;
const removeCopy = () => {
  if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
};
process.once('exit', removeCopy);
// What has been started ends with this process.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => process.exit(130));
try {
  await installPackages(root);
  await build(root);
  // What is measured stays what it was, also when somebody builds meanwhile.
  copy = mkdtempSync(join(tmpdir(), 'postrider-bench-program-'));
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  const { runBench } = await import(pathToFileURL(join(copy, 'dist', 'bench', 'main.js')).href);
  process.exitCode = await runBench(process.argv.slice(2), {
    resultsFolder: join(root, 'bench', 'results'),
    output: process.stdout,
  });
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
