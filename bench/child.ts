import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a process can be asked to do: each takes one argument and answers with one value, which IPC can carry. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` lets each call have an argument of its own
export type Calls = Record<string, (argument: any) => unknown>;

/** A process of its own that does what it is asked. */
export interface Child<C extends Calls> {
  readonly pid: number;
  /** Rejects with the error that the call threw there, or because the process has ended. */
  ask<Name extends keyof C & string>(
    name: Name,
    argument: Parameters<C[Name]>[0],
  ): Promise<Awaited<ReturnType<C[Name]>>>;
  stop(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** Starts the file in a process that answers with `answerCalls`. It ends with this one. */
export async function startChild<C extends Calls>(
  file: URL,
  argv: readonly string[] = [],
): Promise<Child<C>> {
  const child = fork(fileURLToPath(file), argv, { serialization: 'advanced' });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) {
        reject(new Error(`${file.pathname} ended with ${signal ?? code}`));
      }
      resolve();
    });
  });
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asked?.reject(new Error(reply.error));
    else asked?.resolve(reply.value as never);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  let lastId = 0;
  return {
    pid: child.pid as number,
    ask: (name, argument) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        child.send({ id: lastId, name, argument } satisfies Question, (error) => {
          if (error !== null) reject(error);
        });
      }),
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** Answers what the starting process asks, in this one, until that lets go of it or dies. */
export function answerCalls(calls: Calls): void {
  // Ctrl-C goes to this process as well: the one that started it decides when it ends.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, name, argument }: Question) => {
    const reply = (reply: Reply) => process.send?.(reply);
    try {
      reply({ id, value: await calls[name]?.(argument) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}
