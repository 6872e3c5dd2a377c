import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/** What Node.js tells of this process: CPU, memory, event loop, garbage collection. There is one of these a process. */
export function processMeters(process: string): Registry {
  if (registry === undefined) {
    registry = new Registry();
    registry.setDefaultLabels({ process });
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
