import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig, type SettingName, settings } from '../config.ts';

const key = randomBytes(32).toString('base64');

function problemsOf(env: Record<string, string>): ConfigError {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was taken');
}

test('an empty environment gives every default', () => {
  expect(parseConfig({})).toEqual({
    PORT: 3000,
    HOST: '127.0.0.1',
    DATA_DIR: resolve('data'),
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_TASK_QUEUE: 'postrider',
    ALLOWED_PRIVATE_CIDRS: [],
    EGRESS_PROXY_RESOLVES: false,
    PROCESSES: 1,
    RETENTION_DAYS: 30,
    EVENTS_PER_WORKFLOW: 50,
    GROUP_WINDOW_MS: 50,
    SCHEDULE_SCALE: 1,
    SEND_TRACEPARENT: false,
    LOG_LEVEL: 'info',
  });
});

test('an empty or blank variable counts as not given', () => {
  const blank = Object.fromEntries(Object.keys(settings).map((name, index) => [name, ' '.repeat(index % 2)]));
  expect(parseConfig(blank)).toEqual(parseConfig({}));
});

test('every setting is read', () => {
  const config = parseConfig({
    PORT: '0',
    HOST: '::1',
    PUBLIC_URL: 'https://hooks.example.com/postrider/',
    METRICS_PORT: '9464',
    DATA_DIR: '/var/lib/postrider',
    DATABASE_URL: 'postgres://u:p@db:5432/postrider',
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: 'webhooks',
    TEMPORAL_TASK_QUEUE: 'q',
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/etc/temporal/ca.pem',
    TEMPORAL_TLS_CLIENT_CERT_PATH: '/etc/temporal/client.pem',
    TEMPORAL_TLS_CLIENT_KEY_PATH: '/etc/temporal/client-key.pem',
    TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com',
    TEMPORAL_API_KEY: 'temporal-key',
    TEMPORAL_CLI_PATH: '/opt/temporal',
    TEMPORAL_PORT: '17233',
    TEMPORAL_UI_PORT: '18233',
    TEMPORAL_UI_URL: 'https://temporal.example.com/',
    ADMIN_API_KEY: 'pk_0123456789abcdef',
    ENCRYPTION_KEY: `${key}, ${key}`,
    ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8, ::1',
    EGRESS_PROXY_URL: 'http://user:p%40ss@proxy.example.com:3128',
    EGRESS_PROXY_RESOLVES: 'true',
    PROCESSES: '3',
    RETENTION_DAYS: '7',
    EVENTS_PER_WORKFLOW: '1',
    GROUP_WINDOW_MS: '0',
    SCHEDULE_SCALE: '.001',
    SEND_TRACEPARENT: 'true',
    LOG_LEVEL: 'silent',
  } satisfies Record<SettingName, string>);
  expect(config).toMatchObject({
    PORT: 0,
    HOST: '::1',
    PUBLIC_URL: 'https://hooks.example.com/postrider',
    METRICS_PORT: 9464,
    DATA_DIR: resolve('/var/lib/postrider'),
    DATABASE_URL: 'postgres://u:p@db:5432/postrider',
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: 'webhooks',
    TEMPORAL_TASK_QUEUE: 'q',
    TEMPORAL_TLS: true,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: resolve('/etc/temporal/ca.pem'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: resolve('/etc/temporal/client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: resolve('/etc/temporal/client-key.pem'),
    TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com',
    TEMPORAL_API_KEY: 'temporal-key',
    TEMPORAL_CLI_PATH: resolve('/opt/temporal'),
    TEMPORAL_PORT: 17233,
    TEMPORAL_UI_PORT: 18233,
    TEMPORAL_UI_URL: 'https://temporal.example.com',
    ADMIN_API_KEY: 'pk_0123456789abcdef',
    ENCRYPTION_KEY: `${key}, ${key}`,
    EGRESS_PROXY_URL: 'http://user:p%40ss@proxy.example.com:3128',
    EGRESS_PROXY_RESOLVES: true,
    RETENTION_DAYS: 7,
    EVENTS_PER_WORKFLOW: 1,
    GROUP_WINDOW_MS: 0,
    SCHEDULE_SCALE: 0.001,
    SEND_TRACEPARENT: true,
    LOG_LEVEL: 'silent',
  });
  expect(config.ALLOWED_PRIVATE_CIDRS.map(([address, bits]) => `${address}/${bits}`)).toEqual([
    '127.0.0.0/8',
    '::1/128',
  ]);
});

test('with a database server the API listens on every address, unless it is told which', () => {
  const server = { DATABASE_URL: 'postgresql://db/postrider', ENCRYPTION_KEY: key };
  expect(parseConfig(server).HOST).toBe('0.0.0.0');
  expect(parseConfig({ ...server, HOST: '127.0.0.1' }).HOST).toBe('127.0.0.1');
});

test('a database server requires an encryption key, and a database URL that is bad does so as well', () => {
  for (const DATABASE_URL of ['postgres://db/postrider', 'mysql://db']) {
    expect(problemsOf({ DATABASE_URL }).problems.map(({ setting }) => setting)).toContain('ENCRYPTION_KEY');
  }
});

test('credentials for Temporal want an address, encryption, and a key for the certificate', () => {
  const TEMPORAL_ADDRESS = 'temporal:7233';
  const TEMPORAL_API_KEY = 'temporal-key';
  const TEMPORAL_TLS_CLIENT_CERT_PATH = 'client.pem';
  const TEMPORAL_TLS_CLIENT_KEY_PATH = 'client-key.pem';
  expect(problemsOf({ TEMPORAL_API_KEY }).message).toBe('TEMPORAL_API_KEY needs TEMPORAL_ADDRESS');
  expect(problemsOf({ TEMPORAL_ADDRESS, TEMPORAL_API_KEY, TEMPORAL_TLS: 'false' }).message).toBe(
    'TEMPORAL_API_KEY needs TEMPORAL_TLS not to be false',
  );
  expect(problemsOf({ TEMPORAL_ADDRESS, TEMPORAL_TLS_CLIENT_CERT_PATH }).message).toBe(
    'TEMPORAL_TLS_CLIENT_CERT_PATH needs TEMPORAL_TLS_CLIENT_KEY_PATH',
  );
  expect(problemsOf({ TEMPORAL_ADDRESS, TEMPORAL_TLS_CLIENT_KEY_PATH }).message).toBe(
    'TEMPORAL_TLS_CLIENT_KEY_PATH needs TEMPORAL_TLS_CLIENT_CERT_PATH',
  );
});

test('an egress proxy is an HTTP proxy, and its password is in no message', () => {
  for (const EGRESS_PROXY_URL of [
    'socks5://user:s3cret@proxy:1080',
    'http://user:s3cret@proxy:3128/path',
    'https://user:s3cret%FF@proxy',
    'user:s3cret@proxy:3128',
  ]) {
    const { message } = problemsOf({ EGRESS_PROXY_URL });
    expect(message).toBe('EGRESS_PROXY_URL must be an http:// or https:// URL without a path');
  }
  expect(problemsOf({ EGRESS_PROXY_RESOLVES: 'true' }).message).toBe(
    'EGRESS_PROXY_RESOLVES needs EGRESS_PROXY_URL',
  );
});

test('every bad setting is named at once', () => {
  const { problems, message } = problemsOf({ PORT: 'http', LOG_LEVEL: 'loud', GROUP_WINDOW_MS: '-1' });
  expect(problems.map(({ setting }) => setting)).toEqual(['PORT', 'GROUP_WINDOW_MS', 'LOG_LEVEL']);
  expect(message).toContain('PORT must be a whole number from 0 to 65535 (it is "http")');
  expect(message).toContain('LOG_LEVEL must be one of fatal, error,');
});

test('one bad setting is one line', () => {
  expect(problemsOf({ PORT: '70000' }).message).toBe(
    'PORT must be a whole number from 0 to 65535 (it is "70000")',
  );
});

describe('what does not do', () => {
  test.each<[SettingName, string]>([
    ['PORT', '3000.5'],
    ['PORT', '0x10'],
    ['PORT', '1e3'],
    ['HOST', 'a b'],
    ['PUBLIC_URL', 'hooks.example.com'],
    ['PUBLIC_URL', 'ftp://hooks.example.com'],
    ['DATABASE_URL', 'localhost:5432'],
    ['TEMPORAL_ADDRESS', 'temporal'],
    ['TEMPORAL_ADDRESS', 'http://temporal:7233'],
    ['TEMPORAL_ADDRESS', 'temporal:70000'],
    ['TEMPORAL_NAMESPACE', 'a b'],
    ['TEMPORAL_TASK_QUEUE', 'q'.repeat(201)],
    ['TEMPORAL_TLS', 'yes'],
    ['TEMPORAL_PORT', '0'],
    ['TEMPORAL_UI_PORT', '65536'],
    ['TEMPORAL_UI_URL', 'temporal:8080'],
    ['ADMIN_API_KEY', 'x'.repeat(201)],
    ['ADMIN_API_KEY', 'with blanks in the middle'],
    ['ENCRYPTION_KEY', 'c2hvcnQ='],
    ['ENCRYPTION_KEY', `${key},`],
    ['ALLOWED_PRIVATE_CIDRS', '10.0.0.0/33'],
    ['ALLOWED_PRIVATE_CIDRS', 'localhost'],
    ['EVENTS_PER_WORKFLOW', '0'],
    ['EVENTS_PER_WORKFLOW', '61'],
    ['GROUP_WINDOW_MS', '10001'],
    ['SCHEDULE_SCALE', '0'],
    ['SCHEDULE_SCALE', 'Infinity'],
    ['SEND_TRACEPARENT', 'yes'],
    ['LOG_LEVEL', 'INFO'],
  ])('%s=%s', (setting, text) => {
    const env = { ENCRYPTION_KEY: key, [setting]: text };
    expect(problemsOf(env).problems.map((problem) => problem.setting)).toEqual([setting]);
  });
});

test('a secret is in no message, whatever it is', () => {
  const secrets = (Object.keys(settings) as SettingName[]).filter((name) => 'secret' in settings[name]);
  expect(secrets).toEqual([
    ...['DATABASE_URL', 'TEMPORAL_API_KEY', 'ADMIN_API_KEY', 'ENCRYPTION_KEY', 'EGRESS_PROXY_URL'],
  ]);
  fc.assert(
    fc.property(
      fc.constantFrom(...secrets),
      fc.stringMatching(/^\S{8,15}$/).map((text) => `ü${text}`),
      (setting, text) => {
        const error = problemsOf({ [setting]: text });
        expect(error.message).toContain(setting);
        expect(error.message).not.toContain(text);
        expect(JSON.stringify(error.problems)).not.toContain(text);
      },
    ),
  );
});

test('every setting is documented in one sentence', () => {
  for (const [name, { doc }] of Object.entries(settings)) expect(doc, name).toMatch(/^[^\n|]+\.$/);
});
