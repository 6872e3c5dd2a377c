import { Worker } from 'node:worker_threads';

/**
 * Calls `onBeat` at each of the times (of clock.ts, ascending); resolves after the last. The beats come from a thread of
 * their own, which sleeps to a tenth of a millisecond where timers know whole ones.
 */
export function startMetronome(times: Float64Array, onBeat: (beat: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(`./metronome-thread.js`, import.meta.url), { workerData: times });
    thread.on('message', onBeat);
    thread.once('error', reject);
    thread.once('exit', () => resolve());
  });
}
