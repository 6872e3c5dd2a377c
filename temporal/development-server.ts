import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { followOutput } from './child-output.ts';
import { freePorts, isPortFree } from './free-ports.ts';
import { startGuardedChild } from './guarded-child.ts';
import { endProcess, findOrphan, removePidFile, writePidFile } from './orphan.ts';
import type { SearchAttributes } from './search-attributes.ts';
import { whyNotReady } from './server-readiness.ts';

export interface DevelopmentServer {
  /** Of the frontend, host:port. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Resolves when the server has ended, with how it did; never rejects. */
  readonly exited: Promise<string>;
  /** Ends the server in order, and hard after 5 s. */
  stop(): Promise<void>;
}

export interface DevelopmentServerOptions {
  /** The `temporal` program. */
  cli: string;
  /** Undefined keeps everything in memory. Whoever starts a server on a file must be the only one who does: data-folder.ts. */
  databaseFile: string | undefined;
  namespace: string;
  searchAttributes: SearchAttributes;
  /** 7233, or a free one when that is taken, unless given. */
  port?: number | undefined;
  /** 8233, or a free one when that is taken, unless given. */
  uiPort?: number | undefined;
  /** Gets what the server prints, line by line. */
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  /** How long the server may take until it answers. */
  readyMs?: number;
}

/** The development server cannot be started. Its message says why, for the user. */
export class DevelopmentServerFailed extends Error {
  override readonly name = 'DevelopmentServerFailed';
}

const host = '127.0.0.1';
const usualPort = 7233;
const usualUiPort = 8233;
const stopGraceMs = 5_000;
const mostTries = 3;

/** By default each queue is polled 20 times a second, which a lone workflow waits for at every step. */
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.visibilityProcessorMaxPollRPS=2000',
];

/**
 * Starts Temporal's development server with its web page, on this machine's loopback alone. Resolves when its namespace and
 * search attributes can be used. It ends with this process, however that ends; a server that an earlier process left on
 * the same database is ended first.
 * @throws DevelopmentServerFailed
 */
export async function startDevelopmentServer(options: DevelopmentServerOptions): Promise<DevelopmentServer> {
  const databaseFile = options.databaseFile === undefined ? undefined : canonical(options.databaseFile);
  if (databaseFile !== undefined) {
    const orphan = findOrphan(databaseFile);
    if (orphan !== undefined) {
      options.log(`ending the Temporal server of an earlier run (process ${orphan})`);
      await endProcess(orphan, stopGraceMs);
    }
  }
  await refuseTakenPorts(options);
  for (let tries = 1; ; tries += 1) {
    const attempt = await tryToStart(options, databaseFile);
    if ('server' in attempt) return attempt.server;
    // Between looking for free ports and listening on them somebody else may take one.
    if (tries < mostTries && attempt.isPortTaken) continue;
    throw new DevelopmentServerFailed(attempt.why);
  }
}

type Attempt = { server: DevelopmentServer } | { why: string; isPortTaken: boolean };

async function tryToStart(
  options: DevelopmentServerOptions,
  databaseFile: string | undefined,
): Promise<Attempt> {
  const [port, uiPort, httpPort, metricsPort] = (await freePorts(host, [
    options.port ?? usualPort,
    options.uiPort ?? usualUiPort,
    undefined,
    undefined,
  ])) as [number, number, number, number];
  const args = [
    ...['server', 'start-dev', '--ip', host],
    ...['--port', `${port}`, '--ui-port', `${uiPort}`],
    ...['--http-port', `${httpPort}`, '--metrics-port', `${metricsPort}`],
    ...['--log-level', 'error'],
    // It makes "default" of itself, and no namespace twice.
    ...(options.namespace === 'default' ? [] : ['--namespace', options.namespace]),
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...dynamicConfig.flatMap((value) => ['--dynamic-config-value', value]),
    ...(databaseFile === undefined
      ? []
      : [
          ...['--db-filename', databaseFile],
          ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
        ]),
  ];
  const child = startGuardedChild(options.cli, args, withoutTemporalSettings(options.env ?? process.env));
  if (databaseFile !== undefined) {
    if (child.pid > 0) writePidFile(databaseFile, child.pid);
    void child.exited.then(() => removePidFile(databaseFile, child.pid));
  }
  const output = followOutput(child, options.log);
  const failure = await whyNotReady({
    child,
    output,
    host,
    port,
    readyMs: options.readyMs ?? 60_000,
    namespace: options.namespace,
    searchAttributes: options.searchAttributes,
  });
  if (failure === undefined) {
    return {
      server: {
        address: `${host}:${port}`,
        uiUrl: `http://${host}:${uiPort}`,
        pid: child.pid,
        exited: child.exited,
        stop: () => child.stop(stopGraceMs),
      },
    };
  }
  await child.stop(stopGraceMs);
  const tail = output.tail().map((line) => `\n  ${line}`);
  return {
    why: `the Temporal development server ${failure}${tail.length > 0 ? '; it said:' : ''}${tail.join('')}`,
    isPortTaken: tail.some((line) => /address already in use|can't (set|use) .*port/.test(line)),
  };
}

async function refuseTakenPorts({ port, uiPort }: DevelopmentServerOptions): Promise<void> {
  for (const [given, setting] of [
    [port, 'TEMPORAL_PORT'],
    [uiPort, 'TEMPORAL_UI_PORT'],
  ] as const) {
    if (given !== undefined && !(await isPortFree(host, given))) {
      throw new DevelopmentServerFailed(`port ${given} (${setting}) is in use`);
    }
  }
}

/** The form by which a later run recognises the file, whatever links lead to it. */
function canonical(file: string): string {
  return join(realpathSync(dirname(file)), basename(file));
}

/** Settings of the `temporal` program that the user keeps for other servers. */
function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
