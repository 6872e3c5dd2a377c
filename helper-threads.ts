import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** By the kernel's scale, on which 19 comes last: so a helper gets a tenth of what the main thread gets where both want all. */
const behindBy = 10;
const lastOfAll = 19;

/**
 * Has the other threads that this process has by now (garbage collection, compilation, the SDK's) give way to the main one, which
 * answers requests and makes attempts: woken while they work, it would wait for a processor. Threads that are made later are
 * as those that make them. Where threads have no priorities of their own, as on macOS and Windows, it does nothing.
 */
export function putHelperThreadsBehind(): void {
  if (process.platform !== 'linux') return;
  const niceness = Math.min(getPriority() + behindBy, lastOfAll);
  for (const id of readdirSync('/proc/self/task').map(Number)) {
    if (id === process.pid) continue;
    try {
      setPriority(id, niceness);
    } catch {
      // It has ended meanwhile, or it may not be changed: it works as before.
    }
  }
}
