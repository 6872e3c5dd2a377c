import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';
import { aroundStatements, type Run } from './around-statements.ts';

/** So long, in ms, statements go on one after the other before whatever else this process has to do has its turn. */
const mostMs = 5;

/**
 * The same database, which lets the rest of the process have its turn between statements. By itself it works off all that wait, and those that
 * their callers add, before a timer fires or a socket is read: seconds, on a busy machine.
 */
export function inTurns(client: PGlite): PGlite {
  let last: Promise<unknown> = Promise.resolve();
  let turnedAt = Number.NEGATIVE_INFINITY;

  async function giveTurn() {
    if (performance.now() - turnedAt < mostMs) return;
    await nextTurn();
    turnedAt = performance.now();
  }

  /** One after the other, in the order of the calls. */
  const next: Run = (work) => {
    const result = last.then(giveTurn).then(work);
    last = result.catch(() => {});
    return result;
  };

  /** Nobody else has the database meanwhile. */
  const inTransaction: Run = async (work) => {
    await giveTurn();
    return work();
  };

  // It is closed once those before have run.
  return aroundStatements(client, next, { inTransaction, others: ['close'] });
}
