import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from './build.js';
import { installPackages } from './install-packages.js';

const { values } = parseArgs({
  options: {
    // Leaves everything running, to look at, until Ctrl-C.
    keep: { type: 'boolean', default: false },
    // Has the receiver verify with a wrong secret: the demo must fail.
    'wrong-secret': { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
try {
  await installPackages(root);
  await build(root);
  const { runDemo } = await import(new URL('../dist/demo/main.js', import.meta.url).href);
  process.exitCode = await runDemo({
    startScript: fileURLToPath(new URL('./start.js', import.meta.url)),
    keep: values.keep,
    wrongSecret: values['wrong-secret'],
    print: console.log,
  });
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
