import { commands } from '../../cli/registry.ts';
import { runCli } from '../../cli/run.ts';

/** What a command line printed, and how it ended. */
export interface CliRun {
  code: number;
  out: string;
  err: string;
}

/** Runs `postrider …` in this process, as from a script unless it is given a terminal's width. */
export async function postrider(
  argv: readonly string[],
  {
    env = {},
    input = '',
    columns,
    signal = new AbortController().signal,
  }: { env?: Record<string, string>; input?: string; columns?: number; signal?: AbortSignal } = {},
): Promise<CliRun> {
  let [out, err] = ['', ''];
  const code = await runCli(argv, commands, {
    env,
    stdout: {
      write: (text) => {
        out += text;
      },
      ...(columns === undefined ? {} : { isTTY: true, columns }),
    },
    stderr: {
      write: (text) => {
        err += text;
      },
    },
    readInput: async () => input,
    signal,
  });
  return { code, out, err };
}
