import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import type { Config } from '../../config.ts';
import { checkNamespace } from '../../temporal/check-namespace.ts';
import { readTemporalCredentials } from '../../temporal/credentials.ts';
import { findMissingSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { grpcStatus, grpcStatusOf } from '../../temporal/grpc-status.ts';
import { searchAttributes } from '../../temporal/search-attributes.ts';
import { retentionId, sweepId } from '../../temporal/workflow-ids.ts';
import { isLocal } from './database.ts';
import { type Finding, findingsOf, messageOf, within } from './finding.ts';

const patienceMs = 10_000;
const connectMs = 4_000;
const dayMs = 86_400_000;

/** Temporal: reachable, its namespace and search attributes, who polls our task queue, and the schedules. */
export async function checkTemporal(config: Config, isRunning: boolean): Promise<Finding[]> {
  const finding = findingsOf('temporal');
  const address = config.TEMPORAL_ADDRESS;
  if (address === undefined) return checkOwnServer(config);
  let connection: Connection;
  try {
    const credentials = readTemporalCredentials(config);
    const options = { address, connectTimeout: connectMs, ...credentials } as Parameters<
      typeof Connection.connect
    >[0];
    connection = await within(connectMs + 1_000, Connection.connect(options));
  } catch (error) {
    return [...certificateFindings(config), connectionProblem(error, address)];
  }
  try {
    const isPlain = Object.keys(readTemporalCredentials(config)).length === 0;
    return [
      finding.ok(`answers at ${address}`),
      ...(isPlain && !isLocal(address.replace(/:\d+$/, ''))
        ? [
            finding.warning(
              'the connection is not encrypted',
              'set TEMPORAL_TLS where the network is not yours alone',
            ),
          ]
        : []),
      ...certificateFindings(config),
      ...(await namespaceFindings(connection, config, isRunning)),
    ];
  } finally {
    await connection.close();
  }
}

function checkOwnServer(config: Config): Finding[] {
  const finding = findingsOf('temporal');
  const program = config.TEMPORAL_CLI_PATH;
  if (program !== undefined && !existsSync(program)) {
    return [
      finding.problem(
        `TEMPORAL_CLI_PATH names ${program}, which is not there`,
        'let it name the temporal program, or remove it',
      ),
    ];
  }
  return [
    finding.ok('a development server of its own'),
    ...(config.DATABASE_URL === undefined
      ? []
      : [
          finding.warning(
            'beside PostgreSQL it is a development server: one process, on this machine',
            'set TEMPORAL_ADDRESS to a Temporal cluster (docs/operations.md)',
          ),
        ]),
  ];
}

function connectionProblem(error: unknown, address: string): Finding {
  const finding = findingsOf('temporal');
  const status = grpcStatusOf(error);
  if (status === grpcStatus.permissionDenied || status === grpcStatus.unauthenticated) {
    return finding.problem(
      `Temporal at ${address} refuses us`,
      'look at TEMPORAL_API_KEY and TEMPORAL_TLS_CLIENT_CERT_PATH',
    );
  }
  if (error instanceof Error && error.name === 'TemporalNotUsable') {
    return finding.problem(messageOf(error), 'let that setting name a file that can be read');
  }
  return finding.problem(
    `Temporal does not answer at ${address}`,
    'start it, and look at TEMPORAL_ADDRESS and TEMPORAL_TLS',
  );
}

async function namespaceFindings(
  connection: Connection,
  config: Config,
  isRunning: boolean,
): Promise<Finding[]> {
  const finding = findingsOf('namespace');
  const namespace = config.TEMPORAL_NAMESPACE;
  const findings: Finding[] = [];
  const warn = (_fields: unknown, text?: string) =>
    void findings.push(
      finding.warning(
        text ?? '',
        `temporal operator namespace update --namespace ${namespace} --retention 7d`,
      ),
    );
  try {
    await within(patienceMs, checkNamespace(connection, namespace, { log: { warn }, waitMs: 0 }));
    findings.push(finding.ok(namespace));
  } catch (error) {
    const [detail = '', ...advice] = (error as Error).message.split('\n');
    const what = advice.map((line) => line.trim()).join(' ') || 'look at TEMPORAL_NAMESPACE';
    return [
      finding.problem(detail.replace(/ Make it with$/, ''), what.replace(/^temporal/, 'make it: temporal')),
    ];
  }
  const client = new Client({ connection, namespace });
  try {
    return [
      ...findings,
      ...(await searchAttributeFindings(connection, namespace)),
      ...(await pollerFindings(connection, config, isRunning)),
      ...(await scheduleFindings(client, config)),
    ];
  } catch (error) {
    const advice = 'look at Temporal’s own health: what it was asked takes milliseconds';
    return [...findings, findingsOf('temporal').problem(`it gives up: ${messageOf(error)}`, advice)];
  }
}

async function searchAttributeFindings(connection: Connection, namespace: string): Promise<Finding[]> {
  const finding = findingsOf('search attributes');
  try {
    const missing = await within(
      patienceMs,
      findMissingSearchAttributes(connection, namespace, searchAttributes),
    );
    return missing.length === 0
      ? [finding.ok('all are there')]
      : [finding.note(`${missing.join(', ')} will be registered at the next start, where that is allowed`)];
  } catch (error) {
    return [
      finding.problem(messageOf(error), 'remove it from the namespace, or set TEMPORAL_NAMESPACE to another'),
    ];
  }
}

/** Of temporal.api.enums.v1.TaskQueueType. */
const queueTypes = [
  [1, 'workflows'],
  [2, 'activities'],
] as const;

async function pollerFindings(
  connection: Connection,
  config: Config,
  isRunning: boolean,
): Promise<Finding[]> {
  const finding = findingsOf('task queue');
  const name = config.TEMPORAL_TASK_QUEUE;
  const idle: string[] = [];
  for (const [taskQueueType, what] of queueTypes) {
    const request = { namespace: config.TEMPORAL_NAMESPACE, taskQueue: { name }, taskQueueType };
    const { pollers } = await within(patienceMs, connection.workflowService.describeTaskQueue(request));
    if ((pollers ?? []).length === 0) idle.push(what);
  }
  if (idle.length === 0) return [finding.ok(`${name} is polled`)];
  const detail = `nobody polls ${name} for ${idle.join(' and ')}`;
  return isRunning
    ? [
        finding.problem(
          detail,
          'start a worker (postrider start worker) with the same TEMPORAL_TASK_QUEUE and TEMPORAL_NAMESPACE',
        ),
      ]
    : [finding.note(detail)];
}

async function scheduleFindings(client: Client, config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [check, id] of [
    ['sweep', sweepId(config.TEMPORAL_TASK_QUEUE)],
    ['retention', retentionId(config.TEMPORAL_TASK_QUEUE)],
  ] as const) {
    const finding = findingsOf(check);
    try {
      const { state } = await within(patienceMs, client.schedule.getHandle(id).describe());
      findings.push(
        state.paused
          ? finding.problem(
              `its schedule ${id} is paused`,
              `temporal schedule toggle --schedule-id ${id} --unpause --reason doctor`,
            )
          : finding.ok('its schedule runs'),
      );
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      findings.push(finding.note('its schedule will be made at the next start'));
    }
  }
  return findings;
}

function certificateFindings(config: Config): Finding[] {
  const finding = findingsOf('temporal tls');
  const file = config.TEMPORAL_TLS_CLIENT_CERT_PATH;
  if (file === undefined) return [];
  try {
    return [expiryFinding('temporal tls', new Date(new X509Certificate(readFileSync(file)).validTo), file)];
  } catch {
    return [
      finding.problem(
        `${file} is no certificate that can be read`,
        'let TEMPORAL_TLS_CLIENT_CERT_PATH name one (PEM)',
      ),
    ];
  }
}

/** How long a certificate still lasts. */
export function expiryFinding(check: string, validTo: Date, what: string): Finding {
  const finding = findingsOf(check);
  const days = Math.floor((validTo.getTime() - Date.now()) / dayMs);
  if (days < 0) return finding.problem(`the certificate of ${what} has expired`, 'renew it');
  if (days < 14) return finding.warning(`the certificate of ${what} expires in ${days} days`, 'renew it');
  return finding.ok(`the certificate of ${what} lasts ${days} days`);
}
