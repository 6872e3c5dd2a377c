import type { PGlite } from '@electric-sql/pglite';

/** Runs what it is given, now or later, or refuses to. */
export type Run = <Result>(work: () => Promise<Result>) => Promise<Result>;

const statements: readonly (string | symbol)[] = ['query', 'exec', 'sql'];

/**
 * The same database, of which `run` runs every statement and every transaction, and what else is named; `inTransaction` runs the statements in
 * these.
 */
export function aroundStatements(
  client: PGlite,
  run: Run,
  { inTransaction = run, others = [] }: { inTransaction?: Run; others?: readonly (keyof PGlite)[] } = {},
): PGlite {
  const names = new Set([...statements, ...others]);
  const wrapped = <Client extends object>(of: Client, runOf: Run): Client =>
    new Proxy(of, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (names.has(name)) return (...args: unknown[]) => runOf(() => value.apply(target, args));
        if (name !== 'transaction') return value.bind(target);
        return (work: (tx: object) => Promise<unknown>) =>
          runOf(() => value.call(target, (tx: object) => work(wrapped(tx, inTransaction))));
      },
    });
  return wrapped(client, run);
}
