import { execFileSync } from 'node:child_process';

/** Room for Go to fetch and build a program the first time. */
export const goMs = 180_000;

/** Runs a program to its end, with what Go needs of the environment and these variables; throws with what it said when it fails. */
export function run(
  program: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): string {
  const { PATH, HOME, GOPATH, GOCACHE, GOPROXY, GOSUMDB, GOFLAGS, GONOSUMDB } = process.env;
  const go = { GOPATH, GOCACHE, GOPROXY, GOSUMDB, GOFLAGS, GONOSUMDB };
  const env = { PATH, HOME, ...go, ...variables } as NodeJS.ProcessEnv;
  return execFileSync(program, args, { env, encoding: 'utf8', stdio: 'pipe', timeout: goMs });
}

/** Whether the program is there, by a command that prints something. */
export function has(program: string, args: readonly string[]): boolean {
  try {
    return run(program, args) !== '';
  } catch {
    return false;
  }
}
