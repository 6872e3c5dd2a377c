import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/routes.ts';
import { createAccount, ensureFirstAccount } from '../../db/accounts.ts';
import { createSealer, generateEncryptionKey } from '../../db/encryption.ts';
import { createChangesFeed } from '../../delivery/changes-feed.ts';
import { createExpressions } from '../../delivery/expressions.ts';
import { createInboxAnnouncer } from '../../delivery/inbox-announcer.ts';
import { createIntake } from '../../delivery/intake.ts';
import { createPullDoor } from '../../delivery/pull-door.ts';
import { createWebhookWatcher } from '../../delivery/webhook-watcher.ts';
import { createWorkflowPacer } from '../../delivery/workflow-pacer.ts';
import type { WatchedWebhook } from '../../temporal/webhook-workflow.ts';
import type { ContactList } from '../../temporal/workflow-starter.ts';
import { parseCidrs } from '../../webhook/address-policy.ts';
import { openTestDatabase } from './database.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  json: any;
}

/** Settings of the API under test. */
export const testApiSettings = {
  version: '1.2.3',
  allowedPrivateCidrs: parseCidrs('10.1.0.0/16'),
  publicUrl: 'http://postrider.test',
  temporalNamespace: 'default',
};

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
  /** The API key; null for none. */
  key?: string | null;
}

/** The API over HTTP on a port of its own, on the real database, with an intake whose workflows go nowhere. */
export async function startTestApi(overrides: Partial<ApiDependencies> = {}) {
  const database = await openTestDatabase();
  const logLines: string[] = [];
  const log = pino(
    { level: 'debug' },
    new Writable({
      write(chunk, _encoding, done) {
        logLines.push(String(chunk));
        done();
      },
    }),
  );
  const told: { workflowId: string; deliveryId: string }[] = [];
  const manualAttempts: { deliveryId: string; attemptId: string }[] = [];
  const changedLists: ContactList[] = [];
  const starter = {
    startDeliverEvents: async () => 'started' as const,
    startManualAttempt: async (deliveryId: string, attemptId: string) => {
      manualAttempts.push({ deliveryId, attemptId });
    },
    tellDeliveryEnded: async (workflowId: string, deliveryId: string) => {
      told.push({ workflowId, deliveryId });
    },
    tellListChanged: async (list: ContactList) => {
      changedLists.push(list);
    },
  };
  const healthCalls: { call: string; webhook: WatchedWebhook; request?: object }[] = [];
  const healthStarter = {
    startHealth: async (webhook: WatchedWebhook) => {
      healthCalls.push({ call: 'startHealth', webhook });
      return 'started' as const;
    },
    tellChanged: async (webhook: WatchedWebhook) => {
      healthCalls.push({ call: 'tellChanged', webhook });
    },
    enable: async (webhook: WatchedWebhook, request: object) => {
      healthCalls.push({ call: 'enable', webhook, request });
      return null;
    },
    disable: async (webhook: WatchedWebhook, request: object) => {
      healthCalls.push({ call: 'disable', webhook, request });
      return null;
    },
  };
  const recoveries: { webhook: WatchedWebhook; request: object }[] = [];
  const recoveryStarter = {
    recover: async (webhook: WatchedWebhook, request: object) => {
      recoveries.push({ webhook, request });
    },
    progress: async () => undefined,
    cancel: async () => 0,
  };
  const watcher = createWebhookWatcher({ starter: healthStarter, log });
  const { db } = database;
  const expressions = createExpressions({ log });
  const intake = createIntake({
    db,
    expressions,
    pacer: createWorkflowPacer({ starter, log, eventsPerWorkflow: 50, windowMs: 0, isSlow: () => false }),
  });
  const announcer = createInboxAnnouncer({ starter, log });
  const { admin_key: key = '', account_id: accountId } = await ensureFirstAccount(db, {});
  const other = await createAccount(db, 'Other account');

  const lookedAt: Date[] = [];
  const changes = createChangesFeed({ db, log });
  const sealer = createSealer(generateEncryptionKey());
  const pullDoor = createPullDoor({
    ...{ db, changes, sealer, expressions, log, userAgent: 'Postrider/1.2.3', scheduleScale: 0.001 },
    failures: { tell: () => {} },
    onSettled: () => {},
  });
  const app = createApp({
    db,
    intake,
    expressions,
    announcer,
    changes,
    pullDoor,
    starter,
    healthStarter,
    recoveryStarter,
    timekeeper: { lookAt: (time) => void lookedAt.push(time) },
    watcher,
    lanes: { advance: async () => {} },
    sealer,
    settings: testApiSettings,
    readMetrics: async () => 'postrider_build_info{version="1.2.3"} 1\n',
    isReady: async () => ({ ready: true, checks: { database: { ok: true } } }),
    log,
    ...overrides,
  });
  const server = app.listen(0, '127.0.0.1');
  // A connection that is idle because the embedded database keeps this thread busy is not closed under the next request.
  server.keepAliveTimeout = 120_000;
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const sendsBody = options.body !== undefined || options.raw !== undefined;
    const usedKey = options.key === undefined ? key : options.key;
    const response = await fetch(`${origin}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(usedKey === null ? {} : { authorization: `Bearer ${usedKey}` }),
        ...(sendsBody ? { 'content-type': 'application/json' } : {}),
        ...options.headers,
      },
      ...(sendsBody ? { body: options.raw ?? JSON.stringify(options.body) } : {}),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }

  return {
    request,
    origin,
    db,
    intake,
    sealer,
    key,
    accountId,
    otherKey: other.api_key,
    otherAccountId: other.id,
    told,
    manualAttempts,
    changedLists,
    /** What was asked of endpoints' health workflows. */
    healthCalls,
    /** When something is due of which the timekeeper was told. */
    lookedAt,
    /** What recoveries were asked for. */
    recoveries,
    logLines,
    async close() {
      changes.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await watcher.close();
      await intake.close();
      expressions.close();
      await database.close();
    },
  };
}

export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
