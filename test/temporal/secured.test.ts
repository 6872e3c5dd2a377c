import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { parseConfig } from '../../config.ts';
import { type Postrider, startPostrider } from '../../postrider.ts';
import { checkNamespace } from '../../temporal/check-namespace.ts';
import { connectTemporal } from '../../temporal/connect.ts';
import { readTemporalCredentials } from '../../temporal/credentials.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { searchAttributes } from '../../temporal/search-attributes.ts';
import { testSettings } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';
import { certificate, type Gateway, type GatewayRules, startGateway } from './gateway.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function gatewayWith(rules: GatewayRules): Promise<Gateway> {
  const gateway = await startGateway(inject('temporalAddress'), rules);
  ends.push(gateway.close);
  return gateway;
}

const ca = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificate('ca') };
const ours = {
  ...ca,
  TEMPORAL_TLS_CLIENT_CERT_PATH: certificate('client'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: certificate('client-key'),
};
const strangers = {
  ...ca,
  TEMPORAL_TLS_CLIENT_CERT_PATH: certificate('stranger'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: certificate('stranger-key'),
};
const apiKey = 'temporal-key-of-a-test';

async function connect(address: string, given: Record<string, string>) {
  const config = parseConfig({ TEMPORAL_ADDRESS: address, ...given });
  const credentials = readTemporalCredentials(config);
  const connection = await connectTemporal({ address, namespace: 'default', credentials, waitMs: 0 });
  ends.push(connection.close);
  return connection;
}

describe('a Temporal that is not open to everybody', () => {
  test.each([
    ['TLS', {}, ca],
    ['TLS and a certificate of the client', { wantsCertificate: true }, ours],
    ['TLS and an API key', { apiKey }, { ...ca, TEMPORAL_API_KEY: apiKey }],
  ] as const)('is used with %s', async (_, rules, given) => {
    const gateway = await gatewayWith(rules);
    const { connection } = await connect(gateway.address, given);
    await checkNamespace(connection, 'default', { log: pino({ level: 'silent' }) });
    expect(gateway.requests()).toBeGreaterThan(1);
  });

  // Whether the SDK hears the reason when a client's certificate is missing is a matter of luck (TLS 1.3).
  test.each([
    ['no TLS', {}, {}, /does not answer at .* \(without TLS\)$/],
    [
      'no trust in its certificate',
      {},
      { TEMPORAL_TLS: 'true' },
      /certificate does not do \(UnknownIssuer\)/,
    ],
    ['no certificate', { wantsCertificate: true }, ca, /does not answer at .* \(over TLS\)/],
    ["a stranger's certificate", { wantsCertificate: true }, strangers, /does not answer at .* \(over TLS\)/],
    ['another name', {}, { ...ca, TEMPORAL_TLS_SERVER_NAME: 'a.test' }, /does not do \(NotValidForName/],
    ['no API key', { apiKey }, ca, /refuses us: look at TEMPORAL_API_KEY/],
    [
      'another API key',
      { apiKey },
      { ...ca, TEMPORAL_API_KEY: 'wrong' },
      /refuses us: look at TEMPORAL_API_KEY/,
    ],
  ] as const)('with %s is not, and the message says so', async (_, rules, given, message) => {
    const gateway = await gatewayWith(rules);
    await expect(connect(gateway.address, given)).rejects.toThrow(message);
    expect(gateway.requests()).toBe(0);
  });

  test('delivers, with the worker and the client on one connection with a certificate', async () => {
    const gateway = await gatewayWith({ wantsCertificate: true });
    const receiver = await startReceiver(() => 200);
    ends.push(async () => receiver.close());
    const { env, remove } = await testSettings();
    ends.push(remove);
    const postrider: Postrider = await startPostrider(
      parseConfig({ ...env, TEMPORAL_ADDRESS: gateway.address, ...ours }),
      {
        role: 'both',
        env: process.env,
        log: pino({ level: 'silent' }),
        report: () => {},
        workflowBundle: inject('workflowBundle'),
      },
    );
    ends.push(postrider.stop);
    const post = (path: string, body: object) =>
      fetch(`${postrider.apiUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${env.ADMIN_API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post('/v1/webhooks', { url: receiver.url, events: ['*'] });
    expect((await post('/v1/events', { type: 'secured', data: {} })).status).toBe(202);
    await receiver.gets(1);
  }, 60_000);

  test('a file that is not there is named by its setting', () => {
    const config = parseConfig({
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem',
    });
    expect(() => readTemporalCredentials(config)).toThrow(
      'TEMPORAL_TLS_SERVER_CA_CERT_PATH names a file that cannot be read (ENOENT): /nowhere/ca.pem',
    );
  });
});

describe('the namespace', () => {
  let namespace: string;
  let plain: Connection;
  beforeEach(async () => {
    namespace = `test-${randomUUID()}`;
    plain = await Connection.connect({ address: inject('temporalAddress') });
    ends.push(async () => plain.close());
  });

  const made = (hours: number) =>
    plain.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(hours * 3_600_000),
    });

  function logTo(lines: string[]) {
    return pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  }

  test('that is not there is refused with the command that makes it', async () => {
    const checked = checkNamespace(plain, namespace, { log: pino({ level: 'silent' }), waitMs: 0 });
    await expect(checked).rejects.toThrow(
      `Temporal has no namespace ${namespace}. Make it with\n  temporal operator namespace create --namespace ${namespace} --retention 7d`,
    );
  });

  test('that is made meanwhile is waited for', async () => {
    const checked = checkNamespace(plain, namespace, { log: pino({ level: 'silent' }) });
    await made(24);
    await checked;
  });

  test('that forgets within a day is warned of, and one that does not is not', async () => {
    const lines: string[] = [];
    await made(2);
    await checkNamespace(plain, namespace, { log: logTo(lines) });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ namespace, retention_hours: 2 }]);
    await checkNamespace(plain, 'default', { log: logTo(lines) });
    expect(lines).toHaveLength(1);
  });
});

describe('search attributes', () => {
  const withoutOperators = { denies: /OperatorService/ };

  test('that are there are used also where nobody may ask for their names', async () => {
    const gateway = await gatewayWith(withoutOperators);
    const { connection } = await connect(gateway.address, ca);
    expect(await ensureSearchAttributes(connection, 'default', searchAttributes)).toBe(true);
  });

  test.each([
    ['ask for their names nor register them', /OperatorService/],
    ['register them', /AddSearchAttributes/],
  ])('that are missing, where nobody may %s, are asked for with the commands', async (_, denies) => {
    const gateway = await gatewayWith({ denies });
    const { connection } = await connect(gateway.address, ca);
    const wanted = { ...searchAttributes, PostriderMissing: 'Keyword' } as const;
    await expect(ensureSearchAttributes(connection, 'default', wanted)).rejects.toThrow(
      `Temporal's namespace default lacks search attributes, and does not let Postrider register them. Have somebody run
  temporal operator search-attribute create --namespace default --name PostriderMissing --type Keyword
or, for Temporal Cloud,
  tcld namespace search-attributes add --namespace default --sa PostriderMissing=Keyword`,
    );
  });

  test('of another type are refused', async () => {
    const { connection } = await connectTemporal({
      address: inject('temporalAddress'),
      namespace: 'default',
    });
    ends.push(() => connection.close());
    const wanted = { PostriderState: 'KeywordList' } as const;
    await expect(ensureSearchAttributes(connection, 'default', wanted)).rejects.toThrow(
      "the search attribute PostriderState of Temporal's namespace default is not of the type KeywordList",
    );
  });
});
