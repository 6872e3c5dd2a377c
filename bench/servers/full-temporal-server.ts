import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import pg from 'pg';
import { followOutput } from '../../temporal/child-output.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { freePorts, isPortFree } from '../../temporal/free-ports.ts';
import { startGuardedChild } from '../../temporal/guarded-child.ts';
import { runProgram } from '../../temporal/run-program.ts';
import { searchAttributes } from '../../temporal/search-attributes.ts';
import {
  dynamicConfigText,
  type FullTemporalPorts,
  type FullTemporalTls,
  fullTemporalConfig,
  postgresLogin,
} from './full-temporal-config.ts';
import { type FullTemporalPrograms, findFullTemporal } from './full-temporal-programs.ts';

export interface FullTemporalServer {
  /** Of the frontend, host:port. */
  readonly address: string;
  readonly pid: number;
  /** Resolves with how it ended, when it has; never rejects. */
  readonly exited: Promise<string>;
  /** Ends it in order, and hard after 10 s. Its databases stay. */
  stop(): Promise<void>;
}

export interface FullTemporalOptions {
  /** A server on which the user may make databases. */
  postgresUrl: string;
  /** The names of its databases, made when missing. Started again on the same ones it goes on where it was. */
  databases?: { readonly default: string; readonly visibility: string };
  /** @default 4 */
  historyShards?: number;
  /** The frontend's; a free one unless given. */
  port?: number;
  /**
   * Those of all its services, in place of `port`. A server that is started again finds, for a minute, the one before it in its
   * databases: on other ports it takes that one for a member that is to be asked.
   */
  ports?: FullTemporalPorts;
  /** @default 'default' */
  namespace?: string;
  /** Temporal's dynamic settings by name, such as `history.transferProcessorMaxPollRPS`. */
  dynamicConfig?: Readonly<Record<string, unknown>>;
  /** Its frontend takes nothing but mTLS with these; unencrypted connections of anybody unless given. */
  tls?: FullTemporalTls | undefined;
  env?: NodeJS.ProcessEnv;
  /** Hears that the programs are being built, a line each. */
  report?: (line: string) => void;
  /** Gets what the server prints, line by line. */
  log?: (line: string) => void;
}

/** The full Temporal server does not start. Its message says why. */
export class FullTemporalFailed extends Error {
  override readonly name = 'FullTemporalFailed';
}

const host = '127.0.0.1';
const schemaMs = 60_000;
const readyMs = 60_000;
const stopGraceMs = 10_000;
/** Temporal keeps these ports in a column that ends at 32,767. */
const leastMembershipPort = 20_000;
const membershipPorts = 12_000;
const askMs = 2_000;
const pauseMs = 100;
const retentionMs = 86_400_000;
/** Its errors come with their stack. */
const mostOfALine = 300;
/** ALREADY_EXISTS of gRPC. */
const alreadyExists = 6;

/**
 * Starts the whole Temporal server (frontend, history, matching and worker service in one process) on PostgreSQL, as in
 * production and on this machine's loopback alone. Resolves when its namespace and Postrider's search attributes can be
 * used. It ends with this process, however that ends.
 * @throws FullTemporalNotBuilt, FullTemporalFailed
 */
export async function startFullTemporalServer(options: FullTemporalOptions): Promise<FullTemporalServer> {
  const { postgresUrl, env = process.env, report = () => {}, log = () => {} } = options;
  const databases = options.databases ?? { default: 'temporal', visibility: 'temporal_visibility' };
  const programs = await findFullTemporal({ env, report });
  await Promise.all([
    makeDatabase(programs, postgresUrl, databases.default, 'postgresql/v12/temporal', env),
    makeDatabase(programs, postgresUrl, databases.visibility, 'postgresql/v12/visibility', env),
  ]);

  const folder = mkdtempSync(join(tmpdir(), 'postrider-temporal-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const dynamicConfigFile = join(folder, 'dynamic.yaml');
  const ports = options.ports ?? (await portsFor(options.port));
  mkdirSync(join(folder, 'config'));
  writeFileSync(dynamicConfigFile, dynamicConfigText(options.dynamicConfig ?? {}));
  writeFileSync(
    join(folder, 'config', 'postrider.yaml'),
    fullTemporalConfig({
      postgresUrl,
      databases,
      historyShards: options.historyShards ?? 4,
      ports,
      dynamicConfigFile,
      tls: options.tls,
    }),
  );

  const child = startGuardedChild(
    programs.server,
    ['--root', folder, '--env', 'postrider', '--allow-no-auth', 'start'],
    withoutTemporalSettings(env),
  );
  const output = followOutput(child, log);
  const stop = async () => {
    await child.stop(stopGraceMs);
    removeFolder();
    process.off('exit', removeFolder);
  };
  const address = `${host}:${ports.frontend}`;
  const failure = await Promise.race([
    whyNotReady({ address, ...clientTls(options.tls) }, options.namespace ?? 'default'),
    child.exited.then((how) => `ended at its start (${how})`),
  ]);
  if (failure !== undefined) {
    await stop();
    throw new FullTemporalFailed(
      [
        `the full Temporal server ${failure}`,
        ...output.tail().map((line) => `  ${line.slice(0, mostOfALine)}`),
      ].join('\n'),
    );
  }
  return { address, pid: child.pid, exited: child.exited, stop };
}

/** What a client of a frontend with these needs to connect. */
export function clientTls(tls: FullTemporalTls | undefined): Pick<ConnectionOptions, 'tls'> {
  if (tls === undefined) return {};
  const { cert, key } = tls.client;
  return {
    tls: {
      // Node wants a name, where the address is none.
      serverNameOverride: 'localhost',
      serverRootCACertificate: readFileSync(tls.ca),
      clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) },
    },
  };
}

/** Free ports for all of its services: the wanted one for the frontend, or any. */
export async function portsFor(wanted?: number): Promise<FullTemporalPorts> {
  const [frontend = 0, frontendHttp = 0, history = 0, matching = 0, worker = 0] = await freePorts(host, [
    wanted,
    ...new Array(4).fill(undefined),
  ]);
  const membership: number[] = [];
  while (membership.length < 4) {
    const port = leastMembershipPort + Math.floor(Math.random() * membershipPorts);
    if (!membership.includes(port) && (await isPortFree(host, port))) membership.push(port);
  }
  return {
    frontend,
    frontendHttp,
    history,
    matching,
    worker,
    membership: membership as [number, number, number, number],
  };
}

/** Makes a database of Temporal's with the server's schema, or brings one that is there already to it. */
async function makeDatabase(
  { sqlTool }: FullTemporalPrograms,
  postgresUrl: string,
  database: string,
  schema: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { connectAddr, user, password } = postgresLogin(postgresUrl);
  const { hostname, port } = new URL(`postgres://${connectAddr}`);
  const login = ['--plugin', 'postgres12', '--endpoint', hostname, '--port', port || '5432'];
  const run = (...command: string[]) =>
    runProgram(
      sqlTool,
      [...login, '--user', user, '--password', password, '--database', database, ...command],
      { env: withoutTemporalSettings(env), timeoutMs: schemaMs },
    );
  try {
    if (!(await isThere(postgresUrl, database))) {
      await run('create-database');
      await run('setup-schema', '--version', '0.0');
    }
    await run('update-schema', '--schema-name', schema);
  } catch (error) {
    throw new FullTemporalFailed(
      `Temporal's database ${database} cannot be made: ${(error as Error).message}`,
    );
  }
}

async function isThere(postgresUrl: string, database: string): Promise<boolean> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  try {
    const { rows } = await client.query('select from pg_database where datname = $1', [database]);
    return rows.length > 0;
  } finally {
    await client.end();
  }
}

/** Makes the namespace and Postrider's search attributes; undefined once both can be used, else what is wrong. */
async function whyNotReady(options: ConnectionOptions, namespace: string): Promise<string | undefined> {
  const connection = Connection.lazy(options);
  const deadline = Date.now() + readyMs;
  let reason = '';
  try {
    while (Date.now() < deadline) {
      try {
        if (await connection.withDeadline(Date.now() + askMs, () => isUsable(connection, namespace))) {
          return undefined;
        }
      } catch (error) {
        reason = `: ${(error as Error).message}`;
      }
      await delay(pauseMs);
    }
    return `was not ready within ${readyMs / 1000} s${reason}`;
  } finally {
    await connection.close();
  }
}

async function isUsable(connection: Connection, namespace: string): Promise<boolean> {
  await connection.workflowService
    .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(retentionMs) })
    .catch((error: { code?: number }) => {
      if (error.code !== alreadyExists) throw error;
    });
  if (!(await ensureSearchAttributes(connection, namespace, searchAttributes))) return false;
  // The services hear of both with a delay. What the frontend takes in a query it takes with a workflow.
  await connection.workflowService.countWorkflowExecutions({
    namespace,
    query: Object.keys(searchAttributes)
      .map((name) => `${name} = 'none'`)
      .join(' or '),
  });
  return true;
}

/** Settings of Temporal's programs that the user keeps for other servers. */
function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TEMPORAL|SQL)_/.test(name)));
}
