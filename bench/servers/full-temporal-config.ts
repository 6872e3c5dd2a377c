export interface FullTemporalPorts {
  /** Of the frontend: what clients connect to. */
  readonly frontend: number;
  readonly frontendHttp: number;
  readonly history: number;
  readonly matching: number;
  readonly worker: number;
  /** On which the services find each other. */
  readonly membership: readonly [frontend: number, history: number, matching: number, worker: number];
}

/** Certificates (PEM files) for a frontend that takes encrypted connections alone, of clients that have one of the same authority. */
export interface FullTemporalTls {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  /** Of a client: the server has some of its own, which come to its frontend like any other. */
  readonly client: { readonly cert: string; readonly key: string };
}

const host = '127.0.0.1';
const connectionsOfEachService = 20;

/**
 * The configuration of a Temporal server whose four services run in one process on PostgreSQL: the server's own
 * `development-postgres12.yaml`, on the ports and databases given. (YAML takes JSON.)
 */
export function fullTemporalConfig(options: {
  postgresUrl: string;
  databases: { readonly default: string; readonly visibility: string };
  historyShards: number;
  ports: FullTemporalPorts;
  dynamicConfigFile: string;
  tls?: FullTemporalTls | undefined;
}): string {
  const { postgresUrl, databases, historyShards, ports, dynamicConfigFile, tls } = options;
  const store = (database: string, connections: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName: database,
      ...postgresLogin(postgresUrl),
      connectProtocol: 'tcp',
      maxConns: connections,
      maxIdleConns: connections,
      maxConnLifetime: '1h',
    },
  });
  const [frontend, history, matching, worker] = ports.membership;
  const rpc = (grpcPort: number, membershipPort: number, more = {}) => ({
    rpc: { grpcPort, membershipPort, bindOnLocalHost: true, ...more },
  });
  return JSON.stringify(
    {
      log: { stdout: true, level: 'warn' },
      persistence: {
        defaultStore: 'default',
        visibilityStore: 'visibility',
        numHistoryShards: historyShards,
        datastores: {
          default: store(databases.default, connectionsOfEachService),
          visibility: store(databases.visibility, 2),
        },
      },
      global: {
        membership: { maxJoinDuration: '30s', broadcastAddress: host },
        ...(tls === undefined ? {} : { tls: tlsConfig(tls) }),
      },
      services: {
        frontend: rpc(ports.frontend, frontend, { httpPort: ports.frontendHttp }),
        history: rpc(ports.history, history),
        matching: rpc(ports.matching, matching),
        worker: rpc(ports.worker, worker),
      },
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: 'active',
        currentClusterName: 'active',
        clusterInformation: {
          active: {
            enabled: true,
            initialFailoverVersion: 1,
            rpcName: 'frontend',
            rpcAddress: `${host}:${ports.frontend}`,
          },
        },
      },
      dcRedirectionPolicy: { policy: 'noop' },
      dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '10s' },
    },
    undefined,
    2,
  );
}

function tlsConfig({ ca, server, client }: FullTemporalTls) {
  const asClient = { serverName: host, rootCaFiles: [ca] };
  return {
    frontend: {
      server: { certFile: server.cert, keyFile: server.key, requireClientAuth: true, clientCaFiles: [ca] },
      client: asClient,
    },
    systemWorker: { certFile: client.cert, keyFile: client.key, client: asClient },
  };
}

/** Its file of dynamic settings: each with one value for everything. */
export function dynamicConfigText(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [{ value, constraints: {} }]])),
  );
}

/** What `postgresUrl` says of the server, as Temporal's programs want it. */
export function postgresLogin(postgresUrl: string): { connectAddr: string; user: string; password: string } {
  const { host: address, username, password } = new URL(postgresUrl);
  return {
    connectAddr: address,
    user: decodeURIComponent(username),
    // The driver wants one, also where the server trusts whoever comes.
    password: decodeURIComponent(password) || 'none',
  };
}
