import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { inject, onTestFinished } from 'vitest';
import type { Role } from '../../roles.ts';
import { lastingPorts } from './lasting-ports.ts';
import { testSettings } from './postrider.ts';
import { waitFor } from './wait-for.ts';

const startScript = fileURLToPath(new URL('../../scripts/start.js', import.meta.url));

/** Several processes begin at the same time, beside other tests. */
const readyMs = 55_000;

/**
 * Processes of Postrider, as `npm start` runs them: two where the database is a server. Requests go to one after the other.
 * They end with the test, or when what `onEnd` is given is called, last first.
 */
export async function startProcesses({
  roles = process.env.TEST_DATABASE_URL ? ['both', 'both'] : ['both'],
  onEnd = onTestFinished,
}: {
  roles?: Role[];
  onEnd?: (end: () => Promise<void>) => void;
} = {}) {
  const { env, remove } = await testSettings();
  onEnd(remove);
  const ports = await lastingPorts(roles.length);
  const urls = ports.flatMap((port, n) => (roles[n] === 'worker' ? [] : `http://127.0.0.1:${port}`));
  const { PATH, HOME } = process.env;
  const start = async (port: number, n: number) => {
    const child = spawn(process.execPath, [startScript, roles[n] as Role], {
      env: { PATH, HOME, ...env, PORT: `${port}`, PROCESSES: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
    }
    // Otherwise all that one would see of it is that nobody answers any more.
    child.once('exit', (code, signal) => {
      if (!child.killed) process.stderr.write(`Postrider ended by itself (${code ?? signal}): ${out}\n`);
    });
    const isReady = async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${out}`);
      return out.includes('ready') ? true : undefined;
    };
    await waitFor(isReady, 'readiness', readyMs);
    return child;
  };
  const children = await Promise.all(ports.map(start));
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  onEnd(() => connection.close());

  let requests = 0;
  function request(method: string, path: string, body?: object) {
    requests += 1;
    return requestTo(urls[requests % urls.length] as string, method, path, body);
  }

  async function requestTo(url: string, method: string, path: string, body?: object) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${env.ADMIN_API_KEY}`,
        'content-type': 'application/json',
        // None that is closed, for it was idle, at the moment in which it is used again.
        connection: 'close',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
    const json = response.status === 204 ? undefined : ((await response.json()) as any);
    if (response.status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  }

  /** Of a webhook, oldest first. */
  async function deliveriesOf(webhookId: string) {
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
    const all: any[] = [];
    for (let cursor = ''; ; ) {
      const query = `webhook_id=${webhookId}&limit=250${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { data, next_cursor } = await request('GET', `/v1/deliveries?${query}`);
      all.push(...data);
      if (next_cursor === null) return all.reverse();
      cursor = next_cursor;
    }
  }

  return {
    request,
    /** To one of them: `urls` has those that run. */
    requestTo,
    urls,
    deliveriesOf,
    temporal: new Client({ connection }),
    /** Kills the last that runs; requests go to the others. */
    async kill() {
      const child = children.pop();
      urls.pop();
      child?.kill('SIGKILL');
    },
    /** Kills all, and starts them again. */
    async restart() {
      for (const child of children.splice(0)) {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      children.push(...(await Promise.all(ports.map(start))));
    },
    async webhookTo(url: string, settings: object) {
      const webhook = { url, events: ['*'], timeout_ms: 30_000, ...settings };
      const { id } = await request('POST', '/v1/webhooks', webhook);
      // So that it gets nothing of what the next test sends.
      if (onEnd !== onTestFinished) onTestFinished(() => request('DELETE', `/v1/webhooks/${id}`));
      return id as string;
    },
    /** In batches of 100. */
    async post(count: number) {
      for (let sent = 0; sent < count; sent += 100) {
        const size = Math.min(100, count - sent);
        const events = Array.from({ length: size }, (_, n) => ({
          type: 'message.read',
          data: { n: sent + n },
        }));
        await request('POST', '/v1/events/batch', { events });
      }
    },
    /** One after the other, so many ms apart; answers when each was sent. */
    async postEach(count: number, everyMs: number, type: string) {
      const sent: number[] = [];
      for (let n = 0; n < count; n += 1) {
        sent.push(Date.now());
        await request('POST', '/v1/events', { type, data: { n } });
        await delay(Math.max(0, (sent[0] ?? 0) + (n + 1) * everyMs - Date.now()));
      }
      return sent;
    },
    /** A webhook's deliveries, once there are so many and all have that status. */
    deliveriesAre: (webhookId: string, status: string, count: number) =>
      waitFor(async () => {
        // They are many to ask for.
        await delay(500);
        const all = await deliveriesOf(webhookId);
        return all.length === count && all.every((one) => one.status === status) ? all : undefined;
      }, `${count} deliveries to be ${status}`),
  };
}

/** A receiver that answers after so long, and notes when requests come and how many are under way. */
export async function startCountingReceiver(
  answer: () => { status?: number; afterMs?: number } = () => ({}),
) {
  const seen = { underWay: 0, most: 0, times: [] as number[] };
  const server = createServer((request, response) => {
    seen.times.push(Date.now());
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    response.on('close', () => {
      seen.underWay -= 1;
    });
    request.resume();
    const { status = 200, afterMs = 0 } = answer();
    setTimeout(() => response.writeHead(status).end(), afterMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    /** Resolves once so many have come in all. */
    gets: (count: number) =>
      waitFor(async () => (seen.times.length >= count ? true : undefined), `${count} requests`),
  };
}
