import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastingPorts } from './setup/lasting-ports.ts';
import { testSettings } from './setup/postrider.ts';
import { type Receiver, startReceiver } from './setup/receiver.ts';
import { waitFor } from './setup/wait-for.ts';

const startScript = fileURLToPath(new URL('../scripts/start.js', import.meta.url));
const timeout = 120_000;

describe.runIf(process.env.TEST_DATABASE_URL)('npm start with DATABASE_URL and PROCESSES=2', () => {
  let settings: Awaited<ReturnType<typeof testSettings>>;
  let receiver: Receiver;
  let port: number;
  let child: ChildProcess;
  let out = '';
  let err = '';
  beforeEach(async () => {
    settings = await testSettings('empty');
    receiver = await startReceiver();
    port = (await lastingPorts(1))[0] as number;
    start();
  });
  afterEach(async () => {
    await stop('SIGKILL');
    await receiver.close();
    await settings.remove();
  });

  function start(env: Record<string, string> = {}) {
    [out, err] = ['', ''];
    child = spawn(process.execPath, [startScript], {
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME },
        ...{ ...settings.env, PROCESSES: '2', PORT: `${port}`, LOG_LEVEL: 'warn', ...env },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
  }

  async function stop(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    // Not `exit`: what it wrote last may come after it.
    const closed = once(child, 'close');
    child.kill(signal);
    const [code] = await closed;
    return code;
  }

  const ready = () =>
    waitFor(async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${err}`);
      return out.includes('ready') ? true : undefined;
    }, 'readiness');

  /** The processes that do the work. */
  function workers(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
          return (
            Number(parent) === child.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.js')
          );
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  async function api(method: string, path: string, body?: unknown) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      // A connection of its own, so that it may come to either process.
      headers: {
        ...{ authorization: `Bearer ${settings.env.ADMIN_API_KEY}`, connection: 'close' },
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
    return { status: response.status, json: (await response.json()) as any };
  }

  /** As a producer does it: again, when it was too much for the moment. */
  const postEvent = (n: number) =>
    waitFor(async () => {
      const event = { type: 'message.read', data: { n }, id: `event-${n}` };
      const { status, json } = await api('POST', '/v1/events', event);
      if (status !== 503) expect(status).toBe(202);
      return status === 503 ? undefined : (json.id as string);
    }, 'an event to be taken');
  const delivered = (id: string) =>
    waitFor(async () => {
      const [delivery] = (await api('GET', `/v1/events/${id}`)).json.deliveries;
      return delivery?.status === 'succeeded' ? delivery : undefined;
    }, `the delivery of ${id}`);

  async function scrape() {
    const headers = { authorization: `Bearer ${settings.env.ADMIN_API_KEY}`, connection: 'close' };
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
    return (name: string, labels = '') => {
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
      return Object.fromEntries<number>(
        lines.map((line) => [/process="(\d+)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]),
      );
    };
  }

  /** Whichever is asked tells of both, of the same moment. */
  async function expectMetricsOfAll() {
    const byProcess = await scrape();
    expect(byProcess('postrider_process_up')).toEqual({ 0: 1, 1: 1 });
    const delivered = byProcess('postrider_deliveries_ended_total', 'outcome="succeeded"');
    expect(Object.values(delivered).reduce((sum, count) => sum + count, 0)).toBe(40);
    for (const name of ['temporal_worker_start_total', 'process_resident_memory_bytes']) {
      expect(Object.keys(byProcess(name)).sort(), name).toEqual(['0', '1']);
    }
  }

  /** One that is stuck holds nobody up, and is told of. */
  async function expectMetricsWithout(pid: number) {
    process.kill(pid, 'SIGSTOP');
    const byProcess = await scrape();
    process.kill(pid, 'SIGCONT');
    expect(Object.values(byProcess('postrider_process_up')).sort()).toEqual([0, 1]);
    expect(Object.keys(byProcess('postrider_build_info'))).toHaveLength(1);
  }

  it('runs two on one port, each event delivered once, and stops them in order', { timeout }, async () => {
    await ready();
    expect(workers()).toHaveLength(2);
    await api('POST', '/v1/webhooks', { url: receiver.url, events: ['*'] });
    for (const id of await Promise.all(Array.from({ length: 40 }, (_, n) => postEvent(n)))) {
      expect(await delivered(id)).toMatchObject({ attempt_count: 1 });
    }
    expect(receiver.received).toHaveLength(40);
    await expectMetricsOfAll();
    expect(await stop('SIGTERM')).toBe(0);
    expect(workers()).toEqual([]);
    expect(out).toContain('stopping');
    expect(err).toBe('');
  });

  it('brings what a few clients send now and then to the first, which can do it alone', {
    timeout,
  }, async () => {
    await ready();
    const clients = Array.from({ length: 8 }, () => new Client(`http://127.0.0.1:${port}`));
    const headers = { authorization: `Bearer ${settings.env.ADMIN_API_KEY}` };
    const answered = async () => {
      const byProcess = (await scrape())('postrider_http_requests_total', '/v1/webhooks');
      return { first: byProcess[0] ?? 0, second: byProcess[1] ?? 0 };
    };
    /** Twenty requests of each, so that a connection to the second ends once at least. */
    const askAll = async () => {
      const before = await answered();
      for (let n = 0; n < 20; n += 1) {
        for (const client of clients) {
          const { statusCode, body } = await client.request({ path: '/v1/webhooks', method: 'GET', headers });
          await body.dump();
          expect(statusCode).toBe(200);
          // Not as many as the first can answer.
          await delay(5);
        }
      }
      const after = await answered();
      return { first: after.first - before.first, second: after.second - before.second };
    };
    await waitFor(
      async () => {
        const { first, second } = await askAll();
        expect(first + second).toBe(160);
        return second === 0 ? true : undefined;
      },
      'all to come to the first',
      45_000,
    );
    await Promise.all(clients.map((client) => client.close()));
  });

  it('starts one again that dies, and goes on meanwhile', { timeout }, async () => {
    await ready();
    await api('POST', '/v1/webhooks', { url: receiver.url, events: ['*'] });
    const [killed] = workers();
    await expectMetricsWithout(killed as number);
    process.kill(killed as number, 'SIGKILL');
    await waitFor(async () => {
      const pids = workers();
      return pids.length === 2 && !pids.includes(killed as number) ? true : undefined;
    }, 'another in its place');
    const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => postEvent(n)));
    for (const id of ids) await delivered(id);
    expect(await stop('SIGTERM'), `${out}${err}`).toBe(0);
  });

  it('leaves none behind when it is killed', { timeout }, async () => {
    await ready();
    const pids = workers();
    await stop('SIGKILL');
    await waitFor(async () => {
      const left = pids.filter((pid) => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      });
      return left.length === 0 ? true : undefined;
    }, 'the processes to end');
  });

  it('does not start on a port in use, and says so once', { timeout }, async () => {
    await ready();
    expect(await stop('SIGTERM')).toBe(0);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    start();
    const [code] = await once(child, 'exit');
    server.close();
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toEqual([expect.stringContaining(`port ${port} is in use`)]);
  });
});

it('the embedded database is one process’s own: PROCESSES=2 without DATABASE_URL is refused', {
  timeout,
}, async () => {
  const child = spawn(process.execPath, [startScript], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PROCESSES: '2' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  expect(err).toContain('PROCESSES above 1 needs DATABASE_URL');
});
