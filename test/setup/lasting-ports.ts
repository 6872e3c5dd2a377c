import { isPortFree } from '../../temporal/free-ports.ts';

/** Below those from which Linux, macOS and Windows give outgoing connections theirs; every worker of a run has a part of its own. */
const first = 12_000;
const portsOfAWorker = 4_000;
const worker = Number(process.env.VITEST_POOL_ID ?? 1) % 4;
let next = Math.floor(Math.random() * portsOfAWorker);

/**
 * Ports for a server that a test stops and starts again, all different. Nobody else is given them meanwhile, as could happen to a
 * port of `freePorts`: another process' connection may get that as its own end.
 */
export async function lastingPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = first + worker * portsOfAWorker + next;
    next = (next + 1) % portsOfAWorker;
    if (await isPortFree('127.0.0.1', port)) ports.push(port);
  }
  return ports;
}
