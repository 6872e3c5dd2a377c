import { join } from 'node:path';
import { runProgram } from './run-program.ts';

const cliModule = 'github.com/temporalio/cli';
const oldestGo = [1, 25] as const;
const askMs = 30_000;
/** A machine of two cores takes three minutes. */
const buildMs = 20 * 60_000;

/**
 * Has Go build the Temporal CLI into the folder and resolves to the program.
 * @throws Error with the reason in one line
 */
export async function goInstallCli(options: {
  /** The `go` program. */
  go: string;
  version: string;
  folder: string;
  env: NodeJS.ProcessEnv;
}): Promise<string> {
  const { go, version, folder } = options;
  // For this machine, whatever else is built on it; needing no C compiler; in a folder that is part of no Go workspace.
  const { GOOS: _os, GOARCH: _arch, ...env } = options.env;
  const goVersion = (
    await runProgram(go, ['env', 'GOVERSION'], { env, cwd: folder, timeoutMs: askMs })
  ).trim();
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(goVersion) ?? []).slice(1).map(Number);
  if (major < oldestGo[0] || (major === oldestGo[0] && minor < oldestGo[1])) {
    throw new Error(`it needs Go ${oldestGo.join('.')} or later; this is ${goVersion || 'an unknown one'}`);
  }
  const linker = `-s -w -X ${cliModule}/temporalcli.Version=${version}`;
  await runProgram(go, ['install', '-ldflags', linker, `${cliModule}/cmd/temporal@v${version}`], {
    env: { ...env, GOBIN: folder, GO111MODULE: 'on', CGO_ENABLED: '0' },
    cwd: folder,
    timeoutMs: buildMs,
  });
  return join(folder, process.platform === 'win32' ? 'temporal.exe' : 'temporal');
}
