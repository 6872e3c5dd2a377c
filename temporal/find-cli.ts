import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { downloadCli, downloadSite } from './cli-download.ts';
import { goInstallCli } from './cli-go-install.ts';
import { runProgram } from './run-program.ts';

/** The last that Go can install by its name alone; later ones replace modules. */
export const cliVersion = '1.5.1';

export interface FindCliOptions {
  env: NodeJS.ProcessEnv;
  /** Hears of each step as it is tried, a line each. */
  report: (line: string) => void;
  /** Where an installed CLI is kept, for all checkouts of this user. */
  cacheFolder?: string;
  /** Instead of Temporal's own, for tests. */
  downloadSite?: string;
  /** How long the download site may be silent. */
  downloadTimeoutMs?: number;
  /** How often a long step says that it is under way. */
  progressMs?: number;
}

/** There is no Temporal CLI and none could be installed. Its message names every step tried and says what to do. */
export class TemporalCliNotFound extends Error {
  override readonly name = 'TemporalCliNotFound';
}

const programSuffix = process.platform === 'win32' ? '.exe' : '';
const program = `temporal${programSuffix}`;
const checkMs = 20_000;

/**
 * Finds the Temporal CLI, or installs it: TEMPORAL_CLI_PATH, which stands alone when it is set; `temporal` on PATH; what was
 * installed before; Temporal's release; a build by Go. Resolves to a program that has been seen to run.
 * @throws TemporalCliNotFound
 */
export async function findTemporalCli(options: FindCliOptions): Promise<string> {
  const { env } = options;
  const given = env.TEMPORAL_CLI_PATH?.trim() ?? '';
  if (given !== '')
    return firstOf(options, [{ name: 'TEMPORAL_CLI_PATH', find: () => checked(resolve(given), env) }]);

  const installed = join(
    options.cacheFolder ?? userCacheFolder(env),
    `temporal-${cliVersion}${programSuffix}`,
  );
  return firstOf(options, [
    { name: 'TEMPORAL_CLI_PATH', find: () => Promise.reject(new Error('it is not set')) },
    { name: '`temporal` on PATH', find: async () => checked(onPath(program, env), env) },
    { name: installed, find: () => checked(installed, env) },
    {
      name: `download of temporal ${cliVersion} from ${options.downloadSite ?? downloadSite}`,
      isLong: true,
      find: () =>
        install(installed, env, (folder) =>
          downloadCli({
            version: cliVersion,
            folder,
            env,
            ...(options.downloadSite === undefined ? {} : { site: options.downloadSite }),
            ...(options.downloadTimeoutMs === undefined ? {} : { timeoutMs: options.downloadTimeoutMs }),
          }),
        ),
    },
    {
      name: `build of temporal ${cliVersion} by Go (go install; a few minutes)`,
      isLong: true,
      find: () => {
        const go = onPath(`go${programSuffix}`, env);
        return install(installed, env, (folder) => goInstallCli({ go, version: cliVersion, folder, env }));
      },
    },
  ]);
}

/** The folder for what can be made again, of this user and Postrider. */
export function userCacheFolder(env: NodeJS.ProcessEnv): string {
  const given = env.XDG_CACHE_HOME ?? '';
  if (isAbsolute(given)) return join(given, 'postrider');
  const home = homedir();
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'postrider');
  if (process.platform === 'win32')
    return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'postrider', 'Cache');
  return join(home, '.cache', 'postrider');
}

interface Step {
  name: string;
  /** Named before it begins as well, and again while it is under way. */
  isLong?: boolean;
  /** Rejects with the reason in one line. */
  find: () => Promise<string>;
}

async function firstOf(
  { report, progressMs = 5_000 }: FindCliOptions,
  steps: readonly Step[],
): Promise<string> {
  const tried: string[] = [];
  for (const { name, isLong, find } of steps) {
    try {
      const found = await (isLong ? withElapsed(name, find, report, progressMs) : find());
      report(`Temporal CLI: ${found}`);
      return found;
    } catch (error) {
      const line = `${name}: ${error instanceof Error ? error.message : error}`;
      report(`Temporal CLI: ${line}`);
      tried.push(`\n  ${line}`);
    }
  }
  throw new TemporalCliNotFound(
    `there is no Temporal CLI to start a server with. Tried:${tried.join('')}
Install it (https://docs.temporal.io/cli; on macOS \`brew install temporal\`) or Go 1.25 or later (https://go.dev/dl), or name the program in TEMPORAL_CLI_PATH, or a running server in TEMPORAL_ADDRESS.`,
  );
}

async function withElapsed<Result>(
  name: string,
  step: () => Promise<Result>,
  report: (line: string) => void,
  everyMs: number,
): Promise<Result> {
  const startedAt = Date.now();
  report(`Temporal CLI: ${name} …`);
  const timer = setInterval(() => {
    report(`Temporal CLI: ${name} … ${Math.round((Date.now() - startedAt) / 1000)} s`);
  }, everyMs);
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}

/** The program, once it has been seen to run. */
async function checked(file: string, env: NodeJS.ProcessEnv): Promise<string> {
  const printed = await runProgram(file, ['--version'], { env, timeoutMs: checkMs });
  if (!/temporal/i.test(printed)) throw new Error(`${file} is not the Temporal CLI`);
  return file;
}

function onPath(name: string, env: NodeJS.ProcessEnv): string {
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => resolve(folder, name)).find(isProgram);
  if (found === undefined) throw new Error(`no ${name} is there`);
  return found;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Has the program made in a folder of its own beside its place, and puts it there whole once it runs: whoever installs at
 * the same time does the same, and whoever looks finds none or a whole one.
 */
async function install(
  place: string,
  env: NodeJS.ProcessEnv,
  make: (folder: string) => Promise<string>,
): Promise<string> {
  mkdirSync(join(place, '..'), { recursive: true });
  const folder = mkdtempSync(`${place}-installing-`);
  try {
    renameSync(await checked(await make(folder), env), place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return place;
}
