import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { userCacheFolder } from '../../temporal/find-cli.ts';
import { runProgram } from '../../temporal/run-program.ts';

/** The server in the development server that Postrider starts by itself. */
export const temporalServerVersion = '1.29.1';

export interface FullTemporalPrograms {
  /** `server`: all of Temporal's services. */
  readonly server: string;
  /** `sql`: makes its databases; the schemas are in it. */
  readonly sqlTool: string;
}

/** The full Temporal server cannot be built here. Its message says why. */
export class FullTemporalNotBuilt extends Error {
  override readonly name = 'FullTemporalNotBuilt';
}

const packages = ['go.temporal.io/server/cmd/server', 'go.temporal.io/server/cmd/tools/sql'];
const progressMs = 5_000;
/** A machine of two cores takes two minutes. */
const buildMs = 20 * 60_000;

/**
 * The programs of the full Temporal server: those that were built before, or else Go builds them, once for all checkouts of
 * this user.
 * @throws FullTemporalNotBuilt
 */
export async function findFullTemporal(options: {
  env: NodeJS.ProcessEnv;
  /** Hears that it is being built, a line each. */
  report: (line: string) => void;
  /** Where they are kept. */
  cacheFolder?: string;
}): Promise<FullTemporalPrograms> {
  const cache = options.cacheFolder ?? userCacheFolder(options.env);
  const place = join(cache, `temporal-server-${temporalServerVersion}`);
  if (!areThere(place)) {
    mkdirSync(cache, { recursive: true });
    await withElapsed(
      `building the full Temporal server ${temporalServerVersion} (go install; a few minutes)`,
      () => build(place, options.env),
      options.report,
    );
  }
  return programsIn(place);
}

function programsIn(folder: string): FullTemporalPrograms {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { server: join(folder, `server${suffix}`), sqlTool: join(folder, `sql${suffix}`) };
}

function areThere(folder: string): boolean {
  try {
    for (const program of Object.values(programsIn(folder))) accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** In a folder beside its place, which takes that place when it is whole: whoever builds at the same time does the same. */
async function build(place: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { GOOS: _os, GOARCH: _arch, ...ownEnv } = env;
  const folder = mkdtempSync(`${place}-building-`);
  try {
    await runProgram(
      'go',
      ['install', '-ldflags', '-s -w', ...packages.map((name) => `${name}@v${temporalServerVersion}`)],
      {
        env: { ...ownEnv, GOBIN: folder, GO111MODULE: 'on', CGO_ENABLED: '0' },
        cwd: folder,
        timeoutMs: buildMs,
      },
    );
    if (!areThere(folder)) throw new Error('Go has built something else');
    if (areThere(place)) return;
    rmSync(place, { recursive: true, force: true });
    renameSync(folder, place);
  } catch (error) {
    if (areThere(place)) return;
    throw new FullTemporalNotBuilt(
      `the full Temporal server cannot be built: go install: ${error instanceof Error ? error.message : error}. It needs Go 1.25 or later (https://go.dev/dl).`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withElapsed<Result>(
  what: string,
  step: () => Promise<Result>,
  report: (line: string) => void,
): Promise<Result> {
  const startedAt = Date.now();
  report(`${what} …`);
  const timer = setInterval(() => {
    report(`${what} … ${Math.round((Date.now() - startedAt) / 1000)} s`);
  }, progressMs);
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}
