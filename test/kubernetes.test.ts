import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseConfig, settings } from '../config.ts';
import { drainMs } from '../temporal/worker.ts';
import { goMs, has, run } from './run-go.ts';

/** What Kubernetes is given, as far as it is looked into here. */
interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name?: string };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own
  spec?: any;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

const folder = 'deploy/kubernetes';

const resourcesIn = (yaml: string): Resource[] => parseAllDocuments(yaml).map((document) => document.toJS());
const resourcesOf = (file: string) => resourcesIn(readFileSync(`${folder}/${file}`, 'utf8'));

/** What `kubectl apply --kustomize` would send: by kubectl, or where there is none by kustomize itself. */
function kustomize(name: string): Resource[] {
  if (has('kubectl', ['version', '--client'])) {
    return resourcesIn(run('kubectl', ['kustomize', `${folder}/${name}`]));
  }
  if (!has('go', ['version'])) {
    throw new Error('the Kubernetes manifests cannot be checked here: install kubectl, or Go');
  }
  return resourcesIn(run('go', ['run', '-C', 'test/kubernetes', '.', resolve(folder, name)]));
}

const schema = JSON.parse(readFileSync('test/kubernetes/schema-1.34.json', 'utf8'));
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(schema, 'kubernetes');
const definitionOf = ({ apiVersion, kind }: Resource) =>
  Object.entries(schema.$defs as Record<string, Record<string, unknown>>).find(([, definition]) =>
    (
      definition['x-kubernetes-group-version-kind'] as
        | { group: string; version: string; kind: string }[]
        | undefined
    )?.some((one) => one.kind === kind && [one.group, one.version].filter(Boolean).join('/') === apiVersion),
  )?.[0];

/** What its schema says against a resource. */
function complaintsOf(resource: Resource): string[] {
  const definition = definitionOf(resource);
  if (definition === undefined) return [`there is no ${resource.apiVersion} ${resource.kind}`];
  const validate = ajv.getSchema(`kubernetes#/$defs/${definition}`);
  if (validate === undefined) throw new Error(`the schema lacks ${definition}`);
  if (validate(resource)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const named = (resources: readonly Resource[], kind: string, name: string) =>
  resources.find((one) => one.kind === kind && one.metadata.name?.replace(/-[a-z0-9]{10}$/, '') === name);

describe.each(['base', 'complete', 'temporal-tls'])('deploy/kubernetes/%s', (name) => {
  let resources: Resource[];
  beforeAll(() => {
    resources = kustomize(name);
  }, goMs);

  test('is what the schemas of Kubernetes 1.34 say', () => {
    expect(resources.length).toBeGreaterThan(5);
    for (const resource of resources)
      expect({ resource, complaints: complaintsOf(resource) }).toEqual({ resource, complaints: [] });
  });

  test.each(['api', 'worker'])('gives %s only settings that Postrider knows, with values that do', (role) => {
    const container = named(resources, 'Deployment', `postrider-${role}`)?.spec.template.spec.containers[0];
    const config = named(resources, 'ConfigMap', 'postrider')?.data ?? {};
    const [secret] = resourcesOf('base/secret.example.yaml');
    const env = Object.fromEntries(
      (container.env ?? []).map((one: { name: string; value: string }) => [one.name, one.value]),
    );
    const ENCRYPTION_KEY = Buffer.alloc(32).toString('base64');
    const given = { ...config, ...secret?.stringData, ADMIN_API_KEY: 'x'.repeat(48), ENCRYPTION_KEY, ...env };
    expect(Object.keys(given).filter((variable) => !(variable in settings))).toEqual([]);
    expect(parseConfig(given)).toMatchObject({ PROCESSES: 1, METRICS_PORT: 9464 });
    expect(container.args).toEqual([role]);
    expect(container.envFrom).toMatchObject([{ configMapRef: {} }, { secretRef: { name: 'postrider' } }]);
    const ports = new Map(
      container.ports.map((one: { name: string; containerPort: number }) => [one.name, one.containerPort]),
    );
    expect(ports.get('metrics')).toBe(9464);
    if (role === 'api') expect(`${ports.get('http')}`).toBe(env.PORT);
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect([...ports.keys()]).toContain(container.readinessProbe.httpGet.port);
  });

  test.each(['api', 'worker'])(
    'lets %s finish what is under way, and do nothing that it need not',
    (role) => {
      const pod = named(resources, 'Deployment', `postrider-${role}`)?.spec.template.spec;
      const pauseMs = role === 'api' ? 5_000 : 0;
      expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(pauseMs + drainMs + 10_000);
      // Variables that Kubernetes makes of services' names would be taken for settings.
      expect(pod).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    },
  );

  test('keeps one of each when machines are emptied', () => {
    for (const role of ['api', 'worker']) {
      const labels = named(resources, 'Deployment', `postrider-${role}`)?.spec.template.metadata.labels;
      const budget = named(resources, 'PodDisruptionBudget', `postrider-${role}`)?.spec;
      expect(budget).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: labels } });
    }
  });
});

test.each(['migrate-job.yaml', 'base/secret.example.yaml', 'complete/secrets.example.yaml'])(
  '%s, which is created by hand, is what the schemas say',
  (file) => {
    for (const resource of resourcesOf(file)) expect(complaintsOf(resource)).toEqual([]);
  },
);

test('a field that Kubernetes does not know, a wrong type and a missing field are complained of', () => {
  const [service] = resourcesOf('base/api.yaml').filter(({ kind }) => kind === 'Service');
  const wrong = (spec: object) => complaintsOf({ ...(service as Resource), spec });
  expect(wrong({ ...service?.spec, selectors: {} })).toEqual([expect.stringContaining('"selectors"')]);
  expect(wrong({ ports: [{ port: '80' }] })).toEqual([
    expect.stringContaining('/spec/ports/0/port must be integer'),
  ]);
  expect(wrong({ ports: [{ name: 'http' }] })).toEqual([expect.stringContaining('"missingProperty":"port"')]);
});
