import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createDeliveryActivities } from './activities/delivery-activities.ts';
import { createHealthActivities } from './activities/health-activities.ts';
import { createInboxActivities } from './activities/inbox-activities.ts';
import { createRecoveryActivities } from './activities/recovery-activities.ts';
import { createRetentionActivities } from './activities/retention-activities.ts';
import { createSettler } from './activities/settle-deliveries.ts';
import { createSweepActivities } from './activities/sweep-activities.ts';
import { createApp } from './api/app.ts';
import { serveOwnMessages } from './api/own-messages.ts';
import { type ApiListener, listenForApi } from './api-listener.ts';
import type { Config } from './config.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { ensureFirstAccount } from './db/accounts.ts';
import type { OpenDatabase } from './db/database.ts';
import { createSealer, type Sealer } from './db/encryption.ts';
import { findEndpointHealth } from './db/endpoint-health.ts';
import { forgetHeadStarts } from './db/head-starts.ts';
import { listenForRevocations } from './db/revocations.ts';
import { createChangesFeed } from './delivery/changes-feed.ts';
import type { Resolve } from './delivery/checked-connector.ts';
import type { LimitedWebhook } from './delivery/endpoint-limiter.ts';
import { createInboxAnnouncer } from './delivery/inbox-announcer.ts';
import { keepLapses } from './delivery/lapse-keeper.ts';
import { createPullDoor } from './delivery/pull-door.ts';
import { createRecoverySender } from './delivery/recovery-sender.ts';
import { keepStats } from './delivery/stats-keeper.ts';
import { createWebhookWatcher } from './delivery/webhook-watcher.ts';
import { longestWindowMs } from './delivery/workflow-pacing.ts';
import { type Engine, openEngine } from './engine.ts';
import { serveOperators } from './operators.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import type { Role } from './roles.ts';
import { openStorage } from './storage.ts';
import { createMeters, type Meters } from './telemetry/meters.ts';
import { countAttempt, observeStarter } from './telemetry/observed.ts';
import { createScraper, type MetricsOptions, type Scraper } from './telemetry/scraper.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { checkNamespace } from './temporal/check-namespace.ts';
import { connectTemporal, type TemporalConnection } from './temporal/connect.ts';
import { readTemporalCredentials } from './temporal/credentials.ts';
import { ensureSearchAttributes } from './temporal/ensure-search-attributes.ts';
import { createHealthStarter, type HealthStarter } from './temporal/health-starter.ts';
import { keepSweep } from './temporal/keep-sweep.ts';
import { createRecoveryStarter, type RecoveryStarter } from './temporal/recovery-starter.ts';
import { ensureRetentionSchedule } from './temporal/retention-schedule.ts';
import { searchAttributes } from './temporal/search-attributes.ts';
import { ensureSweepSchedule } from './temporal/sweep-schedule.ts';
import { type RunningWorker, startWorker } from './temporal/worker.ts';
import { createWorkflowStarter, type WorkflowStarter } from './temporal/workflow-starter.ts';
import { openTemporalServer } from './temporal-server.ts';
import { version } from './version.ts';

/** Postrider, running in this process. */
export interface Postrider {
  /** Undefined in a process that is only a worker. */
  readonly apiUrl: string | undefined;
  readonly temporalUiUrl: string | undefined;
  /** The first account's key, when this start made it. */
  readonly madeAdminKey: string | undefined;
  /** Resolves, with the reason, when it cannot go on. */
  readonly failed: Promise<string>;
  /** Stops everything in order: no new requests, attempts under way to their end, then what they need. */
  stop(): Promise<void>;
}

export interface StartOptions {
  role: Role;
  /** Where programs are looked for. */
  env: NodeJS.ProcessEnv;
  log: Logger;
  /** Hears of each step that takes a user's time, a line each. */
  report: (line: string) => void;
  /** Whether it takes its port before anything else, so that a port in use prevents the start; if absent it does. */
  listensFirst?: boolean;
  /** Whether it takes part in the load of several processes; if absent it does. */
  takesPart?: () => boolean;
  /** Of a Temporal server that was started for this process. */
  temporalUiUrl?: string;
  /** The bundled workflows; otherwise the ones beside the compiled sources, or else they are bundled now. */
  workflowBundle?: string;
  /** Looks up the host names of webhooks; otherwise the system does. */
  resolve?: Resolve;
  /** Of this process, where it is on. */
  tracing?: Tracing | undefined;
  /** Where else metrics come from; otherwise from this process alone, without those of Temporal's SDK. */
  metrics?: MetricsOptions;
}

/** The length, in characters, below which an API key is warned of. */
const guessableBelow = 16;
/** How many connections to PostgreSQL may be open: of one process, and about so many of all here. */
const poolSizes = { least: 4, most: 10, inAll: 80 };

/**
 * Starts the API, the worker or both, with whatever of storage and Temporal is not given by the settings. When a part
 * does not start, those that did are closed again.
 * @throws PortNotUsable, DataFolderInUse and its like, DatabaseUnavailable, SchemaTooNew, TemporalCliNotFound,
 * DevelopmentServerFailed, TemporalUnavailable, TemporalNotUsable: each with a message for the user
 */
export async function startPostrider(config: Config, options: StartOptions): Promise<Postrider> {
  // Closed from the last to the first, so that each can use what was opened before it.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    return await open(config, options, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function open(
  config: Config,
  {
    role,
    env,
    log,
    report,
    listensFirst = true,
    takesPart,
    temporalUiUrl,
    workflowBundle,
    resolve,
    metrics = { process: '0' },
    tracing,
  }: StartOptions,
  opened: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<Postrider> {
  const listen = async () => {
    if (role === 'worker') return undefined;
    const listener = await listenForApi(config.HOST, config.PORT, { takesPart });
    opened.push(listener.close);
    return listener;
  };
  const listenForMetrics = async () => {
    if (config.METRICS_PORT === undefined) return undefined;
    const listener = await listenForApi(config.HOST, config.METRICS_PORT, { setting: 'METRICS_PORT' });
    opened.push(listener.close);
    return listener;
  };
  const firstListener = listensFirst ? await listen() : undefined;
  const firstForMetrics = listensFirst ? await listenForMetrics() : undefined;

  const share = Math.floor(poolSizes.inAll / config.PROCESSES);
  const poolSize = Math.max(poolSizes.least, Math.min(poolSizes.most, share));
  const folder = await openFolder(config);
  opened.push(async () => folder.release());
  const [storage, server] = await settled([
    openStorage(config, { folder: folder.path, poolSize, log }).then((storage) => {
      opened.push(() => storage.database.close());
      return storage;
    }),
    openTemporalServer(config, { folder: folder.path, env, log, report }).then((server) => {
      opened.push(server.close);
      return server;
    }),
  ]);
  const { database } = storage;
  const sealer = createSealer(storage.encryptionKey);
  if ((config.ADMIN_API_KEY?.length ?? guessableBelow) < guessableBelow) {
    log.warn('ADMIN_API_KEY is short enough to be guessed: give one of 16 characters or more');
  }
  const { admin_key } = await ensureFirstAccount(
    database.db,
    config.ADMIN_API_KEY === undefined ? {} : { adminApiKey: config.ADMIN_API_KEY },
  );
  const temporal = await connectTemporal({
    address: server.address,
    namespace: config.TEMPORAL_NAMESPACE,
    credentials: readTemporalCredentials(config),
    interceptor: tracing?.interceptors.client,
  });
  opened.push(temporal.close);
  await checkNamespace(temporal.connection, config.TEMPORAL_NAMESPACE, { log });
  await ensureSearchAttributes(temporal.connection, config.TEMPORAL_NAMESPACE, searchAttributes);
  const meters = createMeters({ process: metrics.process, version });
  const counted = observeStarter(
    createWorkflowStarter({
      client: temporal.client,
      taskQueue: config.TEMPORAL_TASK_QUEUE,
      requestEagerStart: role !== 'api',
    }),
    meters,
  );
  const starter = tracing?.traceStarter(counted) ?? counted;
  const healthStarter = createHealthStarter({
    client: temporal.client,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
  });
  const recoveryStarter = createRecoveryStarter({
    client: temporal.client,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
  });
  // The one process that uses it was killed, or it has said so.
  if (database.kind === 'embedded') await forgetHeadStarts(database.db);
  const starters = { starter, healthStarter, recoveryStarter };
  const common = { config, log, sealer, ...starters, opened };
  opened.push(keepStats({ db: database.db, log }).close);
  const engine = openEngine({
    ...common,
    db: database.db,
    hasWorker: role !== 'api',
    resolve,
    meters,
    tracing,
  });
  const scraper = createScraper({ meters, database, intake: engine.intake, options: metrics });
  const parts = { ...common, database, temporal, engine, meters, scraper, tracing };
  const uiUrl = config.TEMPORAL_UI_URL ?? server.uiUrl ?? temporalUiUrl;
  const worker = role === 'api' ? undefined : await openWorker({ ...parts, workflowBundle });
  const isReady = createReadiness({ database, temporal, worker });
  const listener = firstListener ?? (await listen());
  if (listener !== undefined) openApi({ ...parts, uiUrl, listener, isReady });
  const forMetrics = firstForMetrics ?? (await listenForMetrics());
  forMetrics?.serve(serveOperators({ readMetrics: scraper.read, isReady }));
  // Nothing more is released once it stops, so that all that was gets its workflow.
  opened.push(engine.timekeeper.close);
  await ensureSweepSchedule(temporal.client, config.TEMPORAL_TASK_QUEUE);
  await ensureRetentionSchedule(temporal.client, config.TEMPORAL_TASK_QUEUE);

  return {
    apiUrl: listener === undefined ? undefined : apiUrl(config, listener),
    temporalUiUrl: uiUrl,
    madeAdminKey: admin_key,
    failed: Promise.race([server.failed, worker?.failed ?? new Promise<never>(() => {})]),
    stop: closeAll,
  };
}

interface Parts {
  config: Config;
  log: Logger;
  database: OpenDatabase;
  sealer: Sealer;
  temporal: TemporalConnection;
  starter: WorkflowStarter;
  healthStarter: HealthStarter;
  recoveryStarter: RecoveryStarter;
  engine: Engine;
  meters: Meters;
  scraper: Scraper;
  tracing: Tracing | undefined;
  opened: (() => Promise<void>)[];
}

async function openWorker({
  config,
  log,
  database: { db },
  temporal,
  starter,
  healthStarter,
  recoveryStarter,
  engine,
  tracing,
  opened,
  workflowBundle = bundledWorkflows(),
}: Parts & { workflowBundle: string | undefined }): Promise<RunningWorker> {
  const { intake, attempter, slots, limiter, puttingOff, headStarts, lanes, waitingSender, failures } =
    engine;
  const sender = createRecoverySender({ db, attempter, slots, limiter, starter, log });
  const lookAtWaiting = (webhook: LimitedWebhook) => waitingSender?.lookAt(webhook);
  const worker = await startWorker({
    connection: temporal.connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    activities: {
      ...createDeliveryActivities({
        db,
        settler: createSettler({ db, headStarts, puttingOff, lookAtWaiting }),
        attempter,
        isStopping: headStarts.isClosed,
      }),
      ...createHealthActivities({
        db,
        attempter,
        intake,
        recovery: recoveryStarter,
        lanes,
        scheduleScale: config.SCHEDULE_SCALE,
      }),
      ...createInboxActivities({ db, intake, starter }),
      ...createRecoveryActivities({ db, sender, lanes }),
      ...createRetentionActivities({ db, days: config.RETENTION_DAYS }),
      ...createSweepActivities({
        db,
        starter,
        healthStarter,
        recoveryStarter,
        failures,
        lanes,
        groupWindowMs: longestWindowMs(config.GROUP_WINDOW_MS),
      }),
    },
    workflowBundle,
    ...(tracing === undefined ? {} : { activityInterceptors: [tracing.interceptors.activity] }),
  });
  // First attempts under way end before the worker does, so that their workflows are told.
  opened.push(worker.stop, async () => sender.stop(), headStarts.close);
  if (waitingSender !== undefined) opened.push(waitingSender.close);
  const keeper = keepSweep({
    temporal,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    log,
  });
  opened.push(keeper.stop);
  return worker;
}

function openApi({
  config,
  log,
  database,
  sealer,
  starter,
  healthStarter,
  recoveryStarter,
  engine: { intake, lanes, expressions, failures, timekeeper },
  meters,
  scraper,
  tracing,
  uiUrl,
  opened,
  listener,
  isReady,
}: Parts & {
  uiUrl: string | undefined;
  listener: ApiListener;
  isReady: () => Promise<Readiness>;
}): void {
  const announcer = createInboxAnnouncer({ starter, log });
  const watcher = createWebhookWatcher({
    starter: {
      async startHealth(webhook) {
        const stored = await findEndpointHealth(database.db, webhook.id);
        if (stored === undefined) return 'running';
        const { health, policy } = stored;
        return healthStarter.startHealth(webhook, { health, policy, probe_scale: config.SCHEDULE_SCALE });
      },
      // A recovery that is paused finds out with it that its webhook was deleted.
      async tellChanged(webhook) {
        await Promise.all([healthStarter.tellChanged(webhook), recoveryStarter.tellChanged(webhook)]);
      },
    },
    log,
  });
  const changes = createChangesFeed({ db: database.db, log });
  const pullDoor = createPullDoor({
    ...{ db: database.db, changes, sealer, expressions, failures, log },
    userAgent: `Postrider/${version}`,
    scheduleScale: config.SCHEDULE_SCALE,
    onSettled: (record, recorded) => countAttempt(record, recorded, meters),
  });
  opened.push(keepLapses({ db: database.db, log }).close);
  const url = config.DATABASE_URL;
  const revocations = url === undefined ? undefined : listenForRevocations({ url, log });
  if (revocations !== undefined) opened.push(revocations.close);
  // The requests first, then what they have begun: so the listener closes once more, before the intake.
  // And before them those that would never end.
  opened.push(announcer.close, watcher.close, intake.close, listener.close, async () => changes.close());
  const app = createApp({
    db: database.db,
    intake,
    lanes,
    expressions,
    announcer,
    changes,
    pullDoor,
    ...(revocations === undefined ? {} : { revocations }),
    starter,
    healthStarter,
    recoveryStarter,
    timekeeper,
    watcher,
    sealer,
    settings: {
      allowedPrivateCidrs: config.ALLOWED_PRIVATE_CIDRS,
      version,
      publicUrl: apiUrl(config, listener),
      temporalNamespace: config.TEMPORAL_NAMESPACE,
      isForThisMachine: config.PUBLIC_URL === undefined && isLoopback(config.HOST),
      dashboardFolder: builtDashboard(),
      ...(uiUrl === undefined ? {} : { temporalUiUrl: uiUrl }),
    },
    isReady,
    readMetrics: scraper.read,
    ...(tracing === undefined ? {} : { traceRequests: tracing.traceRequests }),
    onRequest: ({ method, route, status, duration_ms }) => {
      meters.requests.inc({ method, route: route ?? 'none', status });
      meters.requestDuration.observe({ route: route ?? 'none' }, duration_ms / 1000);
    },
    log,
  });
  listener.serve(serveOwnMessages(app, listener.messages));
}

/** Nothing is kept in the folder when database and Temporal are elsewhere: then it is not touched. */
async function openFolder(config: Config): Promise<DataFolder> {
  if (config.DATABASE_URL === undefined || config.TEMPORAL_ADDRESS === undefined)
    return openDataFolder(config.DATA_DIR);
  return { path: config.DATA_DIR, release: () => {} };
}

/** Beside the compiled main.js; there is none when the sources run as they are. */
function bundledWorkflows(): string | undefined {
  const file = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
  return existsSync(file) ? file : undefined;
}

/** Beside the compiled main.js, or where `npm run build` puts it when the sources run as they are. */
function builtDashboard(): string | undefined {
  const places = ['./page', './dist/page'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place));
}

/** Nobody on another machine can connect to it. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function apiUrl(config: Config, { port }: ApiListener): string {
  const host = ['0.0.0.0', '::'].includes(config.HOST) ? 'localhost' : config.HOST;
  return config.PUBLIC_URL ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Waits for all, then throws the first failure: nothing may still be opening while what was opened is closed. */
async function settled<A, B>(promises: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
