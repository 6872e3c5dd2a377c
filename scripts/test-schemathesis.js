import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareTests } from './prepare-tests.js';

const help = `npm run test:schemathesis -- [options]

Has Schemathesis ask the API what /openapi.json describes, and what it does not, on PostgreSQL and Temporal. npm test has a shorter form.

  --examples <n>  made up for each operation, in each of two phases (100)
  --seed <n>      of what is left to chance, to repeat a run
`;

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} text @param {string} option */
function wholeNumber(text, option) {
  if (/^[1-9]\d*$/.test(text)) return text;
  throw new Error(`--${option} must be a whole number above 0`);
}

try {
  const { values } = parseArgs({
    options: {
      examples: { type: 'string', default: '100' },
      seed: { type: 'string', default: `${1 + Math.floor(Math.random() * 1e9)}` },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(help);
  else {
    const env = {
      SCHEMATHESIS_EXAMPLES: wholeNumber(values.examples, 'examples'),
      SCHEMATHESIS_SEED: wholeNumber(values.seed, 'seed'),
      SCHEMATHESIS_SHOWN: 'true',
    };
    await prepareTests(root);
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { status } = spawnSync(process.execPath, [vitest, 'run', '--project=schemathesis'], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    process.exitCode = status ?? 1;
  }
} catch (error) {
  console.error(`test:schemathesis: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
