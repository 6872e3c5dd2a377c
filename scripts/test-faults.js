import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareTests } from './prepare-tests.js';

const help = `npm run test:faults -- [options]

Tries every fault under steady load, one after the other, and prints the ledger of each. npm test has a shorter form of it.

  --only <names>     some of the faults, with commas between; a * stands for anything (docs/reliability.md names them)
  --seconds <n>      of load around each fault, at least (30)
  --rate <n>         events a second (100)
  --kills <n>        how often a process is killed or stopped (10)
  --seed <n>         of what is left to chance, to repeat a run
  --temporal <kind>  development, or full: the full Temporal server on a PostgreSQL of its own (development)
`;

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string | undefined} text @param {number} fallback @param {string} option */
function numberOf(text, fallback, option) {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} must be a whole number above 0`);
}

function settings() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      kills: { type: 'string' },
      seed: { type: 'string' },
      temporal: { type: 'string', default: 'development' },
      help: { type: 'boolean', default: false },
    },
  });
  if (!['development', 'full'].includes(values.temporal))
    throw new Error('--temporal must be development or full');
  const names = (values.only ?? '*').split(',').map((name) => name.trim().replaceAll('*', '[\\w-]*'));
  return {
    isHelp: values.help,
    pattern: `(^| )(${names.join('|')}): `,
    env: {
      FAULT_SECONDS: `${numberOf(values.seconds, 30, 'seconds')}`,
      FAULT_RATE: `${numberOf(values.rate, 100, 'rate')}`,
      FAULT_KILLS: `${numberOf(values.kills, 10, 'kills')}`,
      FAULT_SEED: `${numberOf(values.seed, 1 + Math.floor(Math.random() * 1e9), 'seed')}`,
      FAULT_TEMPORAL: values.temporal,
    },
  };
}

/** @typedef {Record<string, number> & { fault: string, faults: string[], ack: Record<string, number>, arrival: Record<string, number> }} Ledger */

/** @type {[title: string, of: (ledger: Ledger) => string | number | undefined][]} */
const columns = [
  ['fault', ({ fault }) => fault],
  ['s', ({ seconds }) => seconds],
  ['times', ({ interruptions }) => interruptions],
  ['sent', ({ sent }) => sent],
  ['202', ({ acknowledged }) => acknowledged],
  ['scheduled', ({ scheduled }) => scheduled],
  ['503', ({ refused }) => refused],
  ['none', ({ unanswered }) => unanswered],
  ['other', ({ otherwise }) => otherwise],
  ['lost', ({ lost }) => lost],
  ['pending', ({ pending }) => pending],
  ['histories', ({ histories }) => histories],
  ['attempts', ({ attempts }) => attempts],
  ['unrecorded', ({ unrecorded }) => unrecorded],
  ['repeated', ({ repeated }) => repeated],
  ['under way ms', ({ underWayMs }) => underWayMs],
  ['late ms', ({ slowestMs }) => slowestMs],
  ['retry late ms', ({ slowestRetryMs }) => slowestRetryMs],
  ['slowest answer ms', ({ slowestAnswerMs }) => slowestAnswerMs],
  ['p50 / p99 ms', ({ arrival }) => `${arrival.p50} / ${arrival.p99}`],
  ['wrong', ({ faults }) => faults.length],
];

/** @param {readonly Ledger[]} ledgers */
function printTable(ledgers) {
  const rows = [
    columns.map(([title]) => title),
    ...ledgers.map((one) => columns.map(([, of]) => `${of(one)}`)),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  console.log([line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n'));
  for (const { fault, faults } of ledgers) for (const wrong of faults) console.log(`${fault}: ${wrong}`);
}

/** @param {readonly Ledger[]} ledgers @param {boolean} havePassed */
function printSummary(ledgers, havePassed) {
  const sum = (/** @type {(ledger: Ledger) => number | undefined} */ of) =>
    ledgers.reduce((total, one) => total + (of(one) ?? 0), 0);
  const closed = ledgers.filter(({ faults }) => faults.length === 0).length;
  console.log(
    `\n${havePassed ? 'passed' : 'FAILED'}: ${closed} of ${ledgers.length} ledgers closed; of ${sum(({ acknowledged }) => acknowledged)} acknowledged events ${sum(({ lost }) => lost)} lost and ${sum(({ pending }) => pending)} pending; ${sum(({ repeated }) => repeated)} deliveries repeated`,
  );
}

try {
  const { isHelp, pattern, env } = settings();
  if (isHelp) {
    console.log(help);
    process.exit(0);
  }
  await prepareTests(root);
  const folder = mkdtempSync(join(tmpdir(), 'postrider-ledgers-'));
  try {
    const file = join(folder, 'ledgers');
    const startedAt = new Date();
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { status } = spawnSync(process.execPath, [vitest, 'run', '--project=faults', '-t', pattern], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env, FAULT_LEDGERS: file },
    });
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    if (lines.length === 0) console.error('no fault has this name, or none came to its end');
    else {
      console.log(
        `${startedAt.toISOString()}, ${availableParallelism()} cores, ${env.FAULT_RATE} events a second, Temporal: ${env.FAULT_TEMPORAL}, seed ${env.FAULT_SEED}\n`,
      );
      const ledgers = lines.map((line) => JSON.parse(line));
      printTable(ledgers);
      printSummary(ledgers, status === 0);
    }
    process.exitCode = lines.length === 0 ? 1 : (status ?? 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} catch (error) {
  console.error(`test:faults: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
