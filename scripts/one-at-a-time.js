import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';

const touchMs = 2_000;
/** The holder touches its lock far more often, also while it compiles. */
const staleMs = 30_000;
const lookMs = 100;

/**
 * Runs the work while no other process does so under the same file. The lock of a process that died counts for nothing.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function oneAtATime(file, work) {
  let hasSaid = false;
  while (!take(file)) {
    const holder = holderOf(file);
    if (holder === undefined) rmSync(file, { force: true });
    else if (!hasSaid) console.log(`waiting for process ${holder}, which is preparing this checkout …`);
    hasSaid = holder !== undefined;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  const touching = setInterval(() => touch(file), touchMs);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    process.off('exit', release);
    release();
  }
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Somebody has removed it by hand: what is under way goes on.
  }
}

/** @param {string} file */
function take(file) {
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} file
 * @returns {string | undefined} the pid; undefined when its process has died
 */
function holderOf(file) {
  try {
    const pid = readFileSync(file, 'utf8');
    if (Date.now() - statSync(file).mtimeMs > staleMs) return undefined;
    // Still empty while it is being written.
    if (pid !== '') process.kill(Number(pid), 0);
    return pid;
  } catch (error) {
    // Another user's process is there as well; and a lock that has gone is for `take` to find.
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    return code === 'EPERM' || code === 'ENOENT' ? '?' : undefined;
  }
}
