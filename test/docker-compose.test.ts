import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseConfig, settings } from '../config.ts';
import { searchAttributes } from '../temporal/search-attributes.ts';
import { drainMs } from '../temporal/worker.ts';
import { goMs, has, run } from './run-go.ts';

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  image?: string;
  build?: { context: string };
  container_name?: string;
  ports?: { published?: string }[];
  stop_grace_period?: string;
  volumes?: { type: string; source?: string; target: string; read_only?: boolean }[];
}

/**
 * The files as Docker Compose understands them together: by `docker compose config`, or where there is no Docker by compose-go,
 * the loader that it is made of. Throws with its complaint when one is not valid.
 */
function composeConfig(
  files: string | readonly string[],
  variables: Record<string, string> = {},
): Record<string, Service> {
  const all = [files].flat();
  if (has('docker', ['compose', 'version'])) {
    const named = all.flatMap((file) => ['-f', file]);
    return JSON.parse(run('docker', ['compose', ...named, 'config', '--format', 'json'], variables)).services;
  }
  if (!has('go', ['version'])) {
    throw new Error('docker-compose.yml cannot be checked here: install Docker with Compose, or Go');
  }
  const paths = all.map((file) => resolve(file));
  return JSON.parse(run('go', ['run', '-C', 'test/compose-config', '.', ...paths], variables)).services;
}

describe('docker-compose.yml', () => {
  let services: Record<string, Service>;
  beforeAll(() => {
    services = composeConfig('docker-compose.yml');
  }, goMs);

  test('is valid without any variable set', () => {
    expect(Object.keys(services).sort()).toEqual([
      'api',
      'postgres',
      'temporal',
      'temporal-search-attributes',
      'temporal-ui',
      'worker',
    ]);
  });

  test.each(['api', 'worker'])('gives %s only settings that Postrider knows, with values that do', (name) => {
    const service = composeConfig('docker-compose.yml', {
      ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    })[name];
    const environment = service?.environment ?? {};
    expect(Object.keys(environment).filter((variable) => !(variable in settings))).toEqual([]);
    const config = parseConfig(environment);
    expect(config.DATABASE_URL).toContain('@postgres:5432/');
    expect(config.TEMPORAL_ADDRESS).toBe('temporal:7233');
    expect(service?.command).toEqual([name]);
  });

  test('does not start Postrider without an encryption key', () => {
    expect(() => parseConfig(services.worker?.environment ?? {})).toThrow('ENCRYPTION_KEY is required');
  });

  test('keeps every service that others wait for until it is healthy under a health check', () => {
    const waitedFor = Object.values(services).flatMap(({ depends_on }) =>
      Object.entries(depends_on ?? {})
        .filter(([, { condition }]) => condition === 'service_healthy')
        .map(([dependency]) => dependency),
    );
    expect(new Set(waitedFor)).toEqual(new Set(['postgres', 'temporal']));
    for (const name of waitedFor) expect(services[name]?.healthcheck?.test).toBeDefined();
  });

  test.each(['api', 'worker'])('starts %s after the database, Temporal and the search attributes', (name) => {
    expect(services[name]?.depends_on).toMatchObject({
      postgres: { condition: 'service_healthy' },
      temporal: { condition: 'service_healthy' },
      'temporal-search-attributes': { condition: 'service_completed_successfully' },
    });
  });

  test.each([
    ['api', 'PORT'],
    ['worker', 'METRICS_PORT'],
  ] as const)('asks %s at its %s whether it is ready', (name, setting) => {
    const { environment = {}, healthcheck } = services[name] ?? {};
    expect(healthcheck?.test.join(' ')).toContain(`http://127.0.0.1:${environment[setting]}/readyz`);
  });

  test('can have any number of workers: none has a name or a port of the machine for itself', () => {
    expect(services.worker).toBeDefined();
    expect(services.worker?.container_name).toBeUndefined();
    expect(services.worker?.ports ?? []).toEqual([]);
  });

  test.each(['api', 'worker'])('lets %s finish what is under way, with time to spare', (name) => {
    const [, minutes = '0', seconds = '0'] =
      /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(services[name]?.stop_grace_period ?? '') ?? [];
    expect((Number(minutes) * 60 + Number(seconds)) * 1_000).toBeGreaterThan(drainMs + 10_000);
  });

  test('keeps the database in a volume, and gives no other service one', () => {
    const volumes = Object.entries(services).flatMap(([name, { volumes: own = [] }]) =>
      own.map(({ type, target }) => ({ name, type, target })),
    );
    expect(volumes).toEqual([{ name: 'postgres', type: 'volume', target: '/var/lib/postgresql/data' }]);
  });

  test('registers every search attribute of the workflows with its type', () => {
    const command = services['temporal-search-attributes']?.command ?? [];
    expect(command.filter((arg) => !/^--(address|namespace)=/.test(arg))).toEqual(
      Object.entries(searchAttributes).flatMap(([name, type]) => [`--name=${name}`, `--type=${type}`]),
    );
  });
});

describe('with deploy/compose/temporal-cloud.yml', () => {
  const files = ['docker-compose.yml', 'deploy/compose/temporal-cloud.yml'];
  const temporal = {
    ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    TEMPORAL_ADDRESS: 'example.a1b2c.tmprl.cloud:7233',
    TEMPORAL_NAMESPACE: 'example.a1b2c',
  };

  test('there is no Temporal of its own, and nobody waits for one', () => {
    const services = composeConfig(files, temporal);
    expect(Object.keys(services).sort()).toEqual(['api', 'postgres', 'worker']);
    for (const name of ['api', 'worker'])
      expect(Object.keys(services[name]?.depends_on ?? {})).toEqual(['postgres']);
  });

  test.each(['api', 'worker'])('%s uses a certificate, or an API key', (name) => {
    const withCertificate = composeConfig(files, { ...temporal, TEMPORAL_CERTIFICATES: '/etc/temporal' })[
      name
    ];
    expect(parseConfig(withCertificate?.environment ?? {})).toMatchObject({
      TEMPORAL_ADDRESS: temporal.TEMPORAL_ADDRESS,
      TEMPORAL_NAMESPACE: temporal.TEMPORAL_NAMESPACE,
      TEMPORAL_TLS: true,
      TEMPORAL_TLS_CLIENT_CERT_PATH: '/run/temporal/tls.crt',
      TEMPORAL_TLS_CLIENT_KEY_PATH: '/run/temporal/tls.key',
    });
    expect(withCertificate?.volumes).toMatchObject([
      { type: 'bind', source: '/etc/temporal', target: '/run/temporal', read_only: true },
    ]);

    const withKey = composeConfig(files, { ...temporal, TEMPORAL_API_KEY: 'temporal-key' })[name];
    const config = parseConfig(withKey?.environment ?? {});
    expect(config).toMatchObject({ TEMPORAL_TLS: true, TEMPORAL_API_KEY: 'temporal-key' });
    expect(config.TEMPORAL_TLS_CLIENT_CERT_PATH).toBeUndefined();
  });

  test('the address and the namespace have to be given', () => {
    expect(() => composeConfig(files)).toThrow(/TEMPORAL_(ADDRESS|NAMESPACE)/);
  });
});

test('a compose file with a mistake is refused', () => {
  expect(() => composeConfig('test/compose-config/wrong-compose.yml')).toThrow('unknown-service');
}, 60_000);

test('the image is built in steps, on Debian, and runs as nobody special', () => {
  const [build = '', image = '', ...rest] = readFileSync('Dockerfile', 'utf8')
    .split(/^(?=FROM )/m)
    .slice(1);
  expect(rest).toEqual([]);
  // The SDK's native module wants glibc.
  for (const stage of [build, image]) expect(stage).toMatch(/^FROM node:\d+-bookworm-slim/);
  expect(build).toContain('npm run build && npm prune --omit=dev');
  expect(image).toMatch(/^USER node$/m);
  expect(image.match(/^COPY .*$/gm)).toEqual(
    ['package.json ./', 'node_modules ./node_modules', 'dist ./dist'].map(
      (what) => `COPY --from=build /app/${what}`,
    ),
  );
});

test('the image is built from every folder that is compiled, and from nothing else that is large or secret', () => {
  const allowed = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8')) as { include: string[] };
  expect(allowed).toEqual(expect.arrayContaining(include));
  expect(readFileSync('.dockerignore', 'utf8').startsWith('*\n')).toBe(true);
  for (const folder of ['node_modules', 'dist', 'data', '.git', '.env'])
    expect(allowed).not.toContain(folder);
});
