import type { Worker } from 'node:cluster';
import { type FromProcess, sendTo, type ToProcess, tell } from './process-messages.ts';
import type { JoinProcesses, Told } from './telemetry/scraper.ts';

/** A process that is too busy to answer is missing, in ms. */
const patienceMs = 1_000;

/** Between processes that share a port: a scrape comes to one of them, and is answered for all. */
export interface MetricsRelay {
  /** Has the process take part, as `name`, until it ends. */
  add(worker: Worker, name: string): void;
}

/** For the process that looks after the others. It passes texts on and knows nothing of them. */
export function createMetricsRelay(): MetricsRelay {
  const workers = new Map<Worker, string>();
  const collecting = new Map<number, (worker: Worker, text: string) => void>();
  let last = 0;

  function collect(): Promise<Told> {
    last += 1;
    const id = last;
    const asked = new Map(workers);
    const texts: Record<string, string> = {};
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        collecting.delete(id);
        resolve({ texts, missing: [...asked.values()] });
      };
      const timer = setTimeout(finish, patienceMs);
      collecting.set(id, (worker, text) => {
        const name = asked.get(worker);
        if (name === undefined) return;
        asked.delete(worker);
        texts[name] = text;
        if (asked.size === 0) finish();
      });
      for (const worker of asked.keys()) sendTo(worker, { tellMetrics: id });
    });
  }

  return {
    add(worker, name) {
      workers.set(worker, name);
      worker.once('exit', () => workers.delete(worker));
      worker.on('message', (message: FromProcess) => {
        if ('metrics' in message) collecting.get(message.id)?.(worker, message.metrics);
        if ('askMetrics' in message) {
          void collect().then((told) => sendTo(worker, { id: message.askMetrics, told }));
        }
      });
    },
  };
}

/** For each of the processes. Rejects where the one that looks after them does not answer. */
export const joinProcesses: JoinProcesses = (readOwn) => {
  const waiting = new Map<number, (told: Told) => void>();
  let last = 0;
  process.on('message', (message: ToProcess) => {
    if ('tellMetrics' in message) {
      void readOwn().then((metrics) => tell({ id: message.tellMetrics, metrics }));
    }
    if ('told' in message) waiting.get(message.id)?.(message.told);
  });
  return async () => {
    last += 1;
    const id = last;
    const told = new Promise<Told>((resolve, reject) => {
      waiting.set(id, resolve);
      setTimeout(() => reject(new Error('nobody collects the metrics')), patienceMs * 2).unref();
    });
    tell({ askMetrics: id });
    return told.finally(() => waiting.delete(id));
  };
};
