import { setTimeout as delay } from 'node:timers/promises';

const pauseMs = 25;

/** Asks until there is an answer. @throws Error that says what did not come in `patienceMs` */
export async function waitFor<T>(
  ask: () => Promise<T | undefined>,
  what: string,
  patienceMs = 25_000,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await delay(pauseMs);
  }
}
