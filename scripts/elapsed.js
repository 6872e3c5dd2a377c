const everyMs = 5_000;

/**
 * Runs a step that may take long, and says every five seconds that it is still under way.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function withElapsed(what, step) {
  const startedAt = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  console.log(`${what} …`);
  const timer = setInterval(() => console.log(`${what} … ${seconds()}`), everyMs);
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}
