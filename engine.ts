import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import { cancelFiltered } from './db/deliveries.ts';
import type { Sealer } from './db/encryption.ts';
import { countAttemptsBeside } from './db/own-faults.ts';
import { createAccessTokens } from './delivery/access-tokens.ts';
import { type Attempter, createAttempter } from './delivery/attempter.ts';
import type { Resolve } from './delivery/checked-connector.ts';
import { createEndpointLimiter, type EndpointLimiter } from './delivery/endpoint-limiter.ts';
import { createEndpointSlots, type EndpointSlots } from './delivery/endpoint-slots.ts';
import { createExpirer } from './delivery/expirer.ts';
import { createExpressions, type Expressions } from './delivery/expressions.ts';
import { createFailureTeller, type FailureTeller } from './delivery/failure-teller.ts';
import { createHeadStarts, type HeadStarts } from './delivery/head-start.ts';
import { createHealthReporter } from './delivery/health-reporter.ts';
import { createHttpClient } from './delivery/http-client.ts';
import { createIntake, type Intake, type OpenIntake } from './delivery/intake.ts';
import { createLanes, type Lanes } from './delivery/lanes.ts';
import { createPuttingOff, type PuttingOff } from './delivery/putting-off.ts';
import { createRecorder } from './delivery/recorder.ts';
import { createTimekeeper, type Timekeeper } from './delivery/timekeeper.ts';
import { createWaitingSender, type WaitingSender } from './delivery/waiting-sender.ts';
import { createWorkflowPacer } from './delivery/workflow-pacer.ts';
import type { Meters } from './telemetry/meters.ts';
import { observeHttp, observeIntake, observeRecorder } from './telemetry/observed.ts';
import { observeExpressions } from './telemetry/observed-expressions.ts';
import type { Tracing } from './telemetry/tracing.ts';
import type { HealthStarter } from './temporal/health-starter.ts';
import type { WorkflowStarter } from './temporal/workflow-starter.ts';
import { version } from './version.ts';
import { isAddressAllowed } from './webhook/address-policy.ts';
import { checkUrl, tokenUrlPolicy } from './webhook/url-policy.ts';

/** What takes events in and makes attempts: in every process, since each makes the first attempts of what it takes in. */
export interface Engine {
  intake: Intake & Pick<OpenIntake, 'waitingEvents'>;
  attempter: Attempter;
  slots: EndpointSlots;
  limiter: EndpointLimiter;
  puttingOff: PuttingOff;
  headStarts: HeadStarts;
  lanes: Lanes;
  /** Where workflows run. */
  waitingSender: WaitingSender | undefined;
  failures: FailureTeller;
  timekeeper: Timekeeper;
  expressions: Expressions;
}

/** Each part's `close` is added to `opened`, to be called from the last to the first. */
export function openEngine({
  config,
  log,
  db,
  sealer,
  starter,
  healthStarter,
  hasWorker,
  resolve,
  meters,
  tracing,
  opened,
}: {
  config: Config;
  log: Logger;
  db: Database;
  sealer: Sealer;
  starter: WorkflowStarter;
  healthStarter: HealthStarter;
  /** Whether workflows run in this process too. */
  hasWorker: boolean;
  resolve: Resolve | undefined;
  meters: Meters;
  tracing: Tracing | undefined;
  opened: (() => Promise<void>)[];
}): Engine {
  const client = createHttpClient({
    isAddressAllowed: (ip) => isAddressAllowed(ip, config.ALLOWED_PRIVATE_CIDRS),
    ...(resolve === undefined ? {} : { resolve }),
    proxy: egressProxyOf(config),
    onTunnel: (outcome) => meters.tunnels.inc({ outcome }),
  });
  const tokens = createAccessTokens({
    http: client,
    isUrlAllowed: (url) => checkUrl(url, tokenUrlPolicy(config.ALLOWED_PRIVATE_CIDRS)).ok,
    onRequest: (outcome) => meters.tokenRequests.inc({ outcome }),
  });
  const counted = observeHttp(client, meters);
  const http = tracing?.traceHttp(counted, { sends: config.SEND_TRACEPARENT }) ?? counted;
  const reporter = createHealthReporter({ starter: healthStarter, log });
  // Attempts make operational events, which are taken in like any other.
  const failures = createFailureTeller({ db, intake: { accept: (event) => intake.accept(event) }, log });
  const slots = createEndpointSlots();
  const limiter = createEndpointLimiter({ db, slots, log });
  const onExpired = (count: number) => meters.deliveriesEnded.inc({ outcome: 'expired' }, count);
  const lanes = createLanes({
    db,
    headStarts: { reserve: (webhook, bytes) => headStarts.reserve(webhook, bytes) },
    starter,
    log,
  });
  const plainExpressions = createExpressions({
    log,
    onEnd: (reason) => meters.expressionProcessEnds.inc({ reason }),
  });
  const expressions = observeExpressions(plainExpressions, meters);
  const plainAttempter = createAttempter({
    http,
    tokens,
    expressions,
    cancelFiltered: (id) => cancelFiltered(db, id),
    countBeside: (id) => countAttemptsBeside(db, id),
    recorder: observeRecorder(createRecorder({ db, log }), meters),
    reporter,
    failures,
    limiter,
    expirer: createExpirer({ db, onEnded: onExpired }),
    lanes,
    sealer,
    userAgent: `Postrider/${version}`,
    scheduleScale: config.SCHEDULE_SCALE,
    random: Math.random,
    allowedPrivateCidrs: config.ALLOWED_PRIVATE_CIDRS,
    log,
  });
  const attempter = tracing?.traceAttempter(plainAttempter) ?? plainAttempter;
  const puttingOff = createPuttingOff({
    db,
    limiter,
    slots,
    onWaiting: (webhook) => waitingSender?.lookAt(webhook),
  });
  const headStarts = createHeadStarts({ db, attempter, slots, limiter, puttingOff, hasWorker, log });
  // What waits for endpoints' limits is sent where workflows run.
  const waitingSender = hasWorker
    ? createWaitingSender({ db, limiter, slots, headStarts, starter, log })
    : undefined;
  const pacer = createWorkflowPacer({
    starter,
    isSlow: (webhook) => slots.takesLong(webhook) || slots.hasWaiting(webhook),
    log,
    eventsPerWorkflow: config.EVENTS_PER_WORKFLOW,
    windowMs: config.GROUP_WINDOW_MS,
  });
  const onStored = (events: number, ms: number) => {
    meters.intakeGroup.observe(events);
    meters.intakeDuration.observe(ms / 1000);
  };
  const onTimed = (time: Date) => timekeeper.lookAt(time);
  const { waitingEvents, ...plainIntake } = createIntake({
    ...{ db, pacer, headStarts, expressions },
    ...{ onStored, onTimed },
  });
  const countedIntake = observeIntake(plainIntake, meters);
  const intake = { ...(tracing?.traceIntake(countedIntake) ?? countedIntake), waitingEvents };
  const timekeeper = createTimekeeper({
    db,
    intake,
    isBehind: headStarts.isBehind,
    onReleased: (lateMs) => meters.releaseDelay.observe(lateMs / 1000),
    onExpired(count) {
      onExpired(count);
      // Some may have been the first of their lanes; the sweep looks too.
      void lanes.advanceEnded().catch(() => {});
    },
    log,
  });
  opened.push(async () => expressions.close());
  opened.push(lanes.close, intake.close, http.close, reporter.close, failures.close, limiter.close);
  opened.push(attempter.idle, headStarts.close);
  if (waitingSender !== undefined) opened.push(waitingSender.close);
  opened.push(timekeeper.close);
  const parts = { intake, attempter, slots, limiter, puttingOff, headStarts, lanes, waitingSender, failures };
  return { ...parts, timekeeper, expressions: plainExpressions };
}

function egressProxyOf({ EGRESS_PROXY_URL: url, EGRESS_PROXY_RESOLVES: resolvesNames }: Config) {
  return url === undefined ? undefined : { url: new URL(url), resolvesNames };
}
