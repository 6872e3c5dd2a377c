import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { lastingPorts } from './setup/lasting-ports.ts';
import { type Receiver, startReceiver } from './setup/receiver.ts';
import { waitFor } from './setup/wait-for.ts';

const startScript = fileURLToPath(new URL('../scripts/start.js', import.meta.url));
const adminKey = 'the-admin-key-of-a-test';
/** The first builds the program. */
const readyMs = 60_000;

let folder: string;
let ports: number[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postrider-start-'));
  ports = await lastingPorts(3);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  child: ChildProcess;
  /** What it has printed so far. */
  out: () => string;
  err: () => string;
  exited: Promise<number | null>;
}

function start(env: Record<string, string> = {}): Started {
  const [port, temporalPort, uiPort] = ports;
  const child = spawn(process.execPath, [startScript], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
      TEMPORAL_CLI_PATH: process.env.TEMPORAL_CLI_PATH,
      PORT: `${port}`,
      TEMPORAL_PORT: `${temporalPort}`,
      TEMPORAL_UI_PORT: `${uiPort}`,
      DATA_DIR: join(folder, 'data'),
      ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return { child, out: () => out, err: () => err, exited: once(child, 'exit').then(([code]) => code) };
}

async function ready(started: Started): Promise<Started> {
  await waitFor(
    async () => {
      if (started.child.exitCode !== null) throw new Error(`it ended: ${started.err()}`);
      const answer = await fetch(`http://127.0.0.1:${ports[0]}/readyz`).catch(() => undefined);
      return answer?.status === 200 && started.out().includes('ready') ? true : undefined;
    },
    'readiness',
    readyMs,
  );
  return started;
}

async function api(method: string, path: string, body?: unknown, key = adminKey) {
  const response = await fetch(`http://127.0.0.1:${ports[0]}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  const json: any = await response.json();
  return { status: response.status, json };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const outcome = Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  server.listen(port, '127.0.0.1');
  const free = await outcome;
  server.close();
  return free;
}

async function receiverThat(reply: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  const receiver = await startReceiver(reply);
  onTestFinished(() => receiver.close());
  return receiver;
}

const timeout = 120_000;

describe('npm start', () => {
  it('says where everything is, shows the key it made once, and stops in order', { timeout }, async () => {
    const first = await ready(start());
    const { 1: key = '' } = /Admin key +(\S+)/.exec(first.out()) ?? [];
    expect((await api('GET', '/v1/webhooks', undefined, key)).status).toBe(200);
    for (const page of [/API docs +(\S+)/, /Temporal UI +(\S+)/]) {
      const url = page.exec(first.out())?.[1] ?? '';
      expect((await fetch(url)).status).toBe(200);
    }
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    for (const port of ports) expect(await isFree(port)).toBe(true);

    const second = await ready(start());
    expect(second.out()).not.toContain('Admin key');
    expect((await api('GET', '/v1/webhooks', undefined, key)).status).toBe(200);
    second.child.kill('SIGINT');
    expect(await second.exited).toBe(0);
  });

  it.runIf(process.platform === 'linux')(
    'lets the thread that answers requests work before its others',
    { timeout },
    async () => {
      const { child } = await ready(start());
      const threads = readdirSync(`/proc/${child.pid}/task`).map(Number);
      const behind = threads.filter((thread) => getPriority(thread) === getPriority() + 10);
      expect(getPriority(child.pid)).toBe(getPriority());
      expect(behind.length).toBeGreaterThan(10);
    },
  );

  it('finishes the attempts under way when it is stopped: none is repeated', { timeout }, async () => {
    const receiver = await receiverThat(() => 'hang');
    const started = await ready(start({ ADMIN_API_KEY: adminKey }));
    await api('POST', '/v1/webhooks', { url: receiver.url, events: ['slow.one'], timeout_ms: 3_000 });
    const { json: event } = await api('POST', '/v1/events', { type: 'slow.one', data: {} });
    await receiver.gets(1);
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(0);

    const again = await ready(start({ ADMIN_API_KEY: adminKey }));
    const { json } = await api('GET', `/v1/events/${event.id}`);
    expect(json.deliveries[0]).toMatchObject({ status: 'pending', attempt_count: 1 });
    expect(receiver.received).toHaveLength(1);
    again.child.kill('SIGTERM');
    expect(await again.exited).toBe(0);
  });

  it('goes on from the disk after SIGKILL, on the same ports, with retries pending', {
    timeout,
  }, async () => {
    const receiver = await receiverThat((_, index) => (index === 0 ? 500 : 200));
    const settings = { ADMIN_API_KEY: adminKey, SCHEDULE_SCALE: '0.2' };
    const killed = await ready(start(settings));
    await api('POST', '/v1/webhooks', { url: receiver.url, events: ['killed.one'] });
    const { json: event } = await api('POST', '/v1/events', { type: 'killed.one', data: {} });
    await waitFor(async () => {
      const { json } = await api('GET', `/v1/events/${event.id}`);
      return json.deliveries[0]?.attempt_count === 1 ? true : undefined;
    }, 'the first attempt to be recorded');
    killed.child.kill('SIGKILL');
    await killed.exited;

    const next = await ready(start(settings));
    await receiver.gets(2);
    await waitFor(async () => {
      const { json } = await api('GET', `/v1/events/${event.id}`);
      return json.deliveries[0]?.status === 'succeeded' ? true : undefined;
    }, 'the delivery');
    next.child.kill('SIGTERM');
    expect(await next.exited).toBe(0);
    for (const port of ports) expect(await isFree(port)).toBe(true);
  });

  it('starts its Temporal server again when that is killed', { timeout }, async () => {
    const receiver = await receiverThat(() => 200);
    const started = await ready(start({ ADMIN_API_KEY: adminKey }));
    await api('POST', '/v1/webhooks', { url: receiver.url, events: ['after.restart'] });
    const pid = Number(await readFile(join(folder, 'data', 'temporal.db.pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    const { status } = await api('POST', '/v1/events', { type: 'after.restart', data: {} });
    expect(status).toBe(202);
    await receiver.gets(1);
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(0);
  });
});

describe('what prevents a start is one line, and exit code 1', () => {
  const refusal = async (env: Record<string, string>) => {
    const refused = start(env);
    const code = await refused.exited;
    return { code, lines: refused.err().trim().split('\n') };
  };

  it('a port in use', { timeout }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { code, lines } = await refusal({ PORT: `${port}` });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining(`port ${port} is in use`)]);
  });

  it('a second instance on the same data folder, and the first goes on', { timeout }, async () => {
    const first = await ready(start({ ADMIN_API_KEY: adminKey }));
    const [free] = await lastingPorts(1);
    const { code, lines } = await refusal({ PORT: `${free}` });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/data folder .* is in use by another Postrider/)]);
    expect((await api('GET', '/v1/events')).status).toBe(200);
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
  });

  it('a data folder that is a file', { timeout }, async () => {
    await writeFile(join(folder, 'file'), '');
    const { code, lines } = await refusal({ DATA_DIR: join(folder, 'file') });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('it, or a part of its path, is a file')]);
  });

  it('a setting that does not do, by its name and without the value of a secret', { timeout }, async () => {
    const { code, lines } = await refusal({ ENCRYPTION_KEY: 'too-short-a-secret' });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('ENCRYPTION_KEY')]);
    expect(lines.join()).not.toContain('too-short-a-secret');
  });

  it('a database that cannot be reached, without its password', { timeout }, async () => {
    const { code, lines } = await refusal({
      DATABASE_URL: 'postgres://someone:password-4711@127.0.0.1:1/none',
      ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('database is not available')]);
    expect(lines.join()).not.toContain('4711');
  });
});
