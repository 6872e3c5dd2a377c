import { parentPort, workerData } from 'node:worker_threads';
import { nowMs } from '../clock.ts';

const times = workerData as Float64Array;
/** Nobody ever changes it: waiting for it is sleeping. */
const nothing = new Int32Array(new SharedArrayBuffer(4));

for (const [beat, at] of times.entries()) {
  for (let waitMs = at - nowMs(); waitMs > 0; waitMs = at - nowMs()) Atomics.wait(nothing, 0, 0, waitMs);
  parentPort?.postMessage(beat);
}
