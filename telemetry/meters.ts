import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What one process counts and measures, by Prometheus's names: docs/operations.md says what each means. */
export type Meters = ReturnType<typeof createMeters>;

/** In seconds. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const attemptBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const delayBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];
const groupBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Meters of their own registry, in which every series carries the process's name. */
export function createMeters({ process, version }: { process: string; version: string }) {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new Histogram({ name, help, buckets, labelNames, registers });

  const meters = {
    registry,
    buildInfo: gauge('postrider_build_info', 'Always 1; its label tells the version.', ['version']),
    requests: counter('postrider_http_requests_total', 'Requests to the API that were answered.', [
      'method',
      'route',
      'status',
    ]),
    requestDuration: histogram(
      'postrider_http_request_duration_seconds',
      'From the head of a request to the API to the end of its answer.',
      requestBuckets,
      ['route'],
    ),
    events: counter('postrider_events_total', 'Events that were posted, by what became of them.', ['result']),
    deliveriesCreated: counter(
      'postrider_deliveries_created_total',
      'Deliveries that accepted events owe: pending, or held because their endpoint is disabled.',
      ['status'],
    ),
    deliveriesEnded: counter(
      'postrider_deliveries_ended_total',
      'Deliveries that have ended by an attempt or, `expired`, without one, by outcome.',
      ['outcome'],
    ),
    attempts: counter('postrider_attempts_total', 'Attempts that were recorded.', ['trigger', 'outcome']),
    attemptFailures: counter('postrider_attempt_failures_total', 'Attempts that failed, by reason.', [
      'reason',
    ]),
    tokenRequests: counter(
      'postrider_token_requests_total',
      'Requests for access tokens (OAuth 2 client credentials), by outcome.',
      ['outcome'],
    ),
    tunnels: counter(
      'postrider_proxy_connections_total',
      'Connections through the egress proxy, by outcome: `connected`, `unreached` (the receiver), `failed` (the proxy itself).',
      ['outcome'],
    ),
    attemptDuration: histogram(
      'postrider_attempt_duration_seconds',
      'How long the requests to receivers took.',
      attemptBuckets,
      ['outcome'],
    ),
    firstAttemptDelay: histogram(
      'postrider_first_attempt_delay_seconds',
      'From an event that was taken in to the first attempt of each of its deliveries.',
      delayBuckets,
    ),
    releaseDelay: histogram(
      'postrider_scheduled_release_delay_seconds',
      'How late scheduled events went out, from their time to when their deliveries were stored.',
      delayBuckets,
    ),
    attemptsInFlight: gauge('postrider_attempts_in_flight', 'Requests to receivers that are under way.'),
    attemptsUnrecorded: gauge(
      'postrider_attempts_unrecorded',
      'Attempts that were made and wait for the database to be recorded.',
    ),
    intakeWaiting: gauge('postrider_intake_waiting_events', 'Events that wait to be stored.'),
    intakeGroup: histogram(
      'postrider_intake_group_events',
      'Events that one transaction has stored.',
      groupBuckets,
    ),
    intakeDuration: histogram(
      'postrider_intake_transaction_duration_seconds',
      'How long the transactions took that store events.',
      requestBuckets,
    ),
    expressions: counter(
      'postrider_expressions_total',
      'Filters and transformations of webhooks that were run, by what came of it.',
      ['kind', 'result'],
    ),
    expressionDuration: histogram(
      'postrider_expression_duration_seconds',
      'How long filters and transformations took, their wait for their turn included.',
      requestBuckets,
      ['kind'],
    ),
    expressionProcessEnds: counter(
      'postrider_expression_process_ends_total',
      'Ends of the process that runs expressions, by what ended it.',
      ['reason'],
    ),
    workflowStarts: counter(
      'postrider_workflow_starts_total',
      'Starts of workflows that own deliveries: `running` had been started before, `failed` is left to the sweep.',
      ['result'],
    ),
    workflowEvents: histogram(
      'postrider_workflow_events',
      'Events that share a workflow.',
      [1, 2, 5, 10, 20, 50],
    ),
    poolConnections: gauge('postrider_database_pool_connections', 'Open connections to PostgreSQL.', [
      'state',
    ]),
    poolWaiting: gauge('postrider_database_pool_waiting', 'Statements that wait for a connection.'),
  };
  meters.buildInfo.set({ version }, 1);
  // So that a rate is 0 before the first one, and not absent.
  for (const result of ['accepted', 'repeated', 'conflict', 'refused']) meters.events.inc({ result }, 0);
  for (const status of ['pending', 'held', 'queued']) meters.deliveriesCreated.inc({ status }, 0);
  for (const outcome of ['succeeded', 'failed']) {
    meters.deliveriesEnded.inc({ outcome }, 0);
    meters.attempts.inc({ trigger: 'schedule', outcome }, 0);
  }
  meters.deliveriesEnded.inc({ outcome: 'expired' }, 0);
  for (const outcome of ['succeeded', 'failed']) meters.tokenRequests.inc({ outcome }, 0);
  for (const outcome of ['connected', 'unreached', 'failed']) meters.tunnels.inc({ outcome }, 0);
  for (const reason of ['too_long', 'too_much_memory', 'not_started']) {
    meters.expressionProcessEnds.inc({ reason }, 0);
  }
  for (const kind of ['filter', 'transformation']) meters.expressionDuration.zero({ kind });
  for (const result of ['passed', 'filtered', 'failed'])
    meters.expressions.inc({ kind: 'filter', result }, 0);
  for (const result of ['shaped', 'failed']) meters.expressions.inc({ kind: 'transformation', result }, 0);
  for (const result of ['started', 'running', 'failed']) meters.workflowStarts.inc({ result }, 0);
  return meters;
}
