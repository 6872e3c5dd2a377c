import { setTimeout as delay } from 'node:timers/promises';

const patienceMs = 25_000;
const pauseMs = 25;

/** Asks until there is an answer. @throws Error that says what did not come in 25 s */
export async function waitFor<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await delay(pauseMs);
  }
}
