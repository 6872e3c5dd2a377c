import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/setup/long-files-first.ts';

const testFiles = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => join('test', name))
  .filter((file) => file.endsWith('.test.ts'));

/** Parts of the set-up that touch neither the database nor the shared Temporal server. */
const ownParts = ['receiver', 'wait-for', 'lasting-ports'];
const importsSetUpBeside = (parts: readonly string[]) => {
  const others = new RegExp(`from '[./]*/setup/(?!${parts.join('|')})`);
  return (file: string) => others.test(readFileSync(file, 'utf8'));
};

/** What imports the rest of the set-up runs on both kinds of database. */
const sharesServers = importsSetUpBeside(ownParts);

/** What shares the Temporal server alone is the same on both. */
const usesDatabase = importsSetUpBeside([...ownParts, 'once-a-run']);

/** They end servers and processes of their own, and measure: when the others are done, and in their full form one at a time. */
const isFault = (file: string) => file.startsWith(join('test', 'faults'));
/** In a real browser, on the built page. */
const isInBrowser = (file: string) => file.startsWith(join('test', 'dashboard', 'browser'));

/** It asks as much as the API can answer, and takes an answer that is late for a fault: when the others are done. */
const isSchemathesis = (file: string) => file.startsWith(join('test', 'schemathesis'));

/** What takes minutes in any form; `npm run test:faults` has it. */
const longFaults = [join('test', 'faults', 'ordered-recovery.test.ts')];
const faults = testFiles.filter(
  (file) => isFault(file) && (process.env.FAULT_SECONDS !== undefined || !longFaults.includes(file)),
);
/** Measured on what large installations run on. */
const inBrowserOnPostgres = [join('test', 'dashboard', 'browser', 'many-deliveries.test.ts')];
/** Measures how soon something is seen. */
const inBrowserMeasured = [join('test', 'dashboard', 'browser', 'live.test.ts')];
const inBrowser = testFiles.filter(
  (file) => isInBrowser(file) && ![...inBrowserMeasured, ...inBrowserOnPostgres].includes(file),
);
const others = testFiles.filter((file) => !isFault(file) && !isInBrowser(file) && !isSchemathesis(file));
const runTwice = others.filter(sharesServers);
const runOnce = others.filter((file) => !sharesServers(file));
/** What makes pictures of every page: `npm run screenshots` runs it, no test run does. */
const pictures = [join('test', 'dashboard', 'screenshots.ts')];
/** What takes too long for every run: with MEASURE set there is a project for each kind of database (docs/dashboard.md). */
const measuredOnBoth = [join('test', 'dashboard', 'measured', 'million-attempts.ts')];
const sharedServers = ['test/setup/temporal-server.ts', 'test/setup/workflow-bundle.ts'];
const builtPage = [...sharedServers, 'test/setup/compiled.ts'];
const onEmbedded = { TEST_DATABASE_URL: '' };

export default defineConfig({
  test: {
    // Threads crash with the Temporal SDK's native module.
    pool: 'forks',
    // Files share their process's modules: loading them for each took a tenth of all processor time.
    isolate: false,
    // More than the two cores that they are run on: they wait more than they work.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    sequence: { sequencer: LongFilesFirst },
    projects: [
      { extends: true, test: { name: 'once', include: runOnce } },
      {
        extends: true,
        test: {
          name: 'embedded',
          include: runTwice,
          globalSetup: sharedServers,
          env: onEmbedded,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: inBrowser,
          globalSetup: builtPage,
          env: onEmbedded,
          // They wait no longer than a person would: when the others are done.
          isolate: true,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser-measured',
          include: inBrowserMeasured,
          globalSetup: builtPage,
          env: onEmbedded,
          // One at a time.
          isolate: true,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser-postgres',
          include: inBrowserOnPostgres,
          globalSetup: [...builtPage, 'test/setup/postgres.ts'],
          env: {},
          isolate: true,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      ...(process.env.SCREENSHOTS === undefined
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'screenshots',
                include: pictures,
                globalSetup: builtPage,
                env: onEmbedded,
              },
            },
          ]),
      ...(process.env.MEASURE === undefined
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'measured-embedded',
                include: [...inBrowserOnPostgres, ...measuredOnBoth],
                globalSetup: builtPage,
                env: onEmbedded,
                sequence: { groupOrder: 5 },
              },
            },
            {
              extends: true as const,
              test: {
                name: 'measured-postgres',
                include: measuredOnBoth,
                globalSetup: [...sharedServers, 'test/setup/postgres.ts'],
                env: {},
                sequence: { groupOrder: 6 },
              },
            },
          ]),
      {
        extends: true,
        test: {
          name: 'postgres',
          include: runTwice.filter(usesDatabase),
          globalSetup: [...sharedServers, 'test/setup/postgres.ts'],
          // The set-up adds TEST_DATABASE_URL.
          env: {},
        },
      },
      {
        extends: true,
        test: {
          name: 'schemathesis',
          include: testFiles.filter(isSchemathesis),
          globalSetup: [...sharedServers, 'test/setup/postgres.ts'],
          env: {},
          // Only a run that is asked for is longer (scripts/test-schemathesis.js).
          testTimeout: process.env.SCHEMATHESIS_EXAMPLES === undefined ? 300_000 : 7_200_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: faults,
          globalSetup: ['test/setup/compiled.ts'],
          maxWorkers: process.env.FAULT_SECONDS === undefined ? 2 : 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
