import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseConfig, settings } from '../config.ts';
import { searchAttributes } from '../temporal/search-attributes.ts';

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  image?: string;
  build?: { context: string };
}

/** Room for Go to fetch and build the loader the first time. */
const loadMs = 180_000;

/**
 * The file as Docker Compose understands it: by `docker compose config`, or where there is no Docker by compose-go, the
 * loader that it is made of. Throws with its complaint when the file is not valid.
 */
function composeConfig(file: string, variables: Record<string, string> = {}): Record<string, Service> {
  const { PATH, HOME, GOPATH, GOCACHE, GOPROXY, GOSUMDB, GOFLAGS, GONOSUMDB } = process.env;
  const go = { GOPATH, GOCACHE, GOPROXY, GOSUMDB, GOFLAGS, GONOSUMDB };
  const env = { PATH, HOME, ...go, ...variables } as NodeJS.ProcessEnv;
  const run = (program: string, args: string[]) =>
    execFileSync(program, args, { env, encoding: 'utf8', stdio: 'pipe', timeout: loadMs });
  const has = (program: string, args: string[]) => {
    try {
      return run(program, args) !== '';
    } catch {
      return false;
    }
  };
  if (has('docker', ['compose', 'version'])) {
    return JSON.parse(run('docker', ['compose', '-f', file, 'config', '--format', 'json'])).services;
  }
  if (!has('go', ['version'])) {
    throw new Error('docker-compose.yml cannot be checked here: install Docker with Compose, or Go');
  }
  return JSON.parse(run('go', ['run', '-C', 'test/compose-config', '.', resolve(file)])).services;
}

describe('docker-compose.yml', () => {
  let services: Record<string, Service>;
  beforeAll(() => {
    services = composeConfig('docker-compose.yml');
  }, loadMs);

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

  test('registers every search attribute of the workflows with its type', () => {
    const command = services['temporal-search-attributes']?.command ?? [];
    expect(command.filter((arg) => !/^--(address|namespace)=/.test(arg))).toEqual(
      Object.entries(searchAttributes).flatMap(([name, type]) => [`--name=${name}`, `--type=${type}`]),
    );
  });
});

test('a compose file with a mistake is refused', () => {
  expect(() => composeConfig('test/compose-config/wrong-compose.yml')).toThrow('unknown-service');
}, 60_000);

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
