import { createPostriderClient, PostriderError } from '../sdk/client/src/client.ts';
import { version } from '../version.ts';
import type { Command } from './command.ts';
import { CommandFailed, exitCodes, UsageError } from './failures.ts';
import { commandLines, groupLines, overviewLines } from './help.ts';
import { createOutput, type Output, type Stream } from './output.ts';
import { parseCommandLine } from './parse.ts';
import { oneLine } from './table.ts';

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly readInput: () => Promise<string>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/**
 * Runs one command line to its end, and answers its exit code. What goes wrong and is for the user is told on standard error,
 * without a stack.
 * @throws what is a fault of this program
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  surroundings: Surroundings,
): Promise<number> {
  const { env, stdout, stderr, readInput, signal } = surroundings;
  const out = createOutput(stdout, stderr, env);
  try {
    const asked = parseCommandLine(argv, commands);
    if (asked.kind !== 'command') return tell(asked, commands, out);
    const { values } = asked;
    const url = addressOf(values.url, env);
    const apiKey = () => keyOf(values['api-key'], env);
    const code = await asked.command.run({
      args: asked.args,
      options: values as Record<string, never>,
      json: values.json === true,
      ...{ env, out, signal, url, apiKey, readInput, commands },
      client: () => createPostriderClient({ baseUrl: url, apiKey: apiKey() }),
    });
    return code ?? exitCodes.done;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    for (const line of linesOf(error)) out.note(`postrider: ${line}`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

function tell(
  asked: Exclude<ReturnType<typeof parseCommandLine>, { kind: 'command' }>,
  commands: readonly Command[],
  out: Output,
): number {
  if (asked.kind === 'version') {
    out.line(version);
    return exitCodes.done;
  }
  if (asked.kind === 'help') {
    for (const line of commandLines(asked.command)) out.line(line);
    return exitCodes.done;
  }
  const lines = asked.kind === 'overview' ? overviewLines(commands) : groupLines(asked.group, commands);
  for (const line of lines) asked.isAsked ? out.line(line) : out.note(line);
  return asked.isAsked ? exitCodes.done : exitCodes.usage;
}

function addressOf(given: unknown, env: NodeJS.ProcessEnv): string {
  const text = textIn(given) ?? textIn(env.POSTRIDER_URL) ?? `http://127.0.0.1:${textIn(env.PORT) ?? 3000}`;
  if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text)) {
    throw new UsageError('--url (or POSTRIDER_URL) must be an http:// or https:// URL');
  }
  return text.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function keyOf(given: unknown, env: NodeJS.ProcessEnv): string {
  const key = textIn(given) ?? textIn(env.POSTRIDER_API_KEY) ?? textIn(env.ADMIN_API_KEY);
  if (key === undefined)
    throw new UsageError('there is no API key: set POSTRIDER_API_KEY, or give --api-key');
  if (!/^[\x21-\x7e]+$/.test(key)) throw new UsageError('the API key holds something that no key holds');
  return key;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** What a user is told of an error. @throws the error, when it is none of those that are for users */
function linesOf(error: unknown): string[] {
  if (error instanceof UsageError || error instanceof CommandFailed) return error.message.split('\n');
  if (error instanceof PostriderError) return [apiComplaint(error)];
  const network = networkComplaint(error);
  if (network === undefined) throw error;
  return [network];
}

function apiComplaint({ status, message, errors }: PostriderError): string {
  const fields = errors.map(({ pointer, parameter, header, detail }) =>
    `${pointer ?? parameter ?? header ?? ''} ${detail}`.trim(),
  );
  const what = fields.length === 0 ? message : `${message}: ${fields.join('; ')}`;
  const advice = status === 401 ? ' (look at --api-key or POSTRIDER_API_KEY)' : '';
  return oneLine(`${what} (${status})${advice}`);
}

/** `fetch` tells all that kept it from an answer by a TypeError, and time-outs by a DOMException. */
function networkComplaint(error: unknown): string | undefined {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return 'the API does not answer in time';
  if (!(error instanceof TypeError) || error.message !== 'fetch failed') return undefined;
  const { code, message } = (error.cause ?? {}) as { code?: unknown; message?: unknown };
  const why = typeof code === 'string' ? code : typeof message === 'string' ? message : 'no connection';
  return `the API cannot be reached (${oneLine(why)}): is Postrider running there? --url or POSTRIDER_URL says where`;
}
