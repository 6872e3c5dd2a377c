import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { areEncryptionKeys } from './db/encryption.ts';
import { parseCidrs } from './webhook/address-policy.ts';

interface Setting {
  /** From the text of the environment to the value. */
  readonly schema: z.ZodType<unknown, string>;
  /** As one would write it in the environment; null where the setting has no value unless given. */
  readonly fallback: string | null;
  /** One sentence for the README. */
  readonly doc: string;
  /** Its value appears in no message. */
  readonly secret?: true;
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Every setting of Postrider. The README's table is checked against this one. */
export const settings = {
  PORT: {
    schema: integer(0, 65_535),
    fallback: '3000',
    doc: 'Port of the API and the dashboard; 0 takes a free one.',
  },
  HOST: {
    schema: z.string().regex(/^[\w.:-]+$/, 'must be an address or a host name'),
    fallback: null,
    doc: 'Address to listen on: `127.0.0.1` unless given, and `0.0.0.0` with `DATABASE_URL`.',
  },
  PUBLIC_URL: {
    schema: webAddress(),
    fallback: null,
    doc: 'Where people reach the API, for links to it; the address it listens on unless given.',
  },
  METRICS_PORT: {
    schema: integer(1, 65_535),
    fallback: null,
    doc: 'Port of `/metrics`, `/healthz` and `/readyz` alone, which ask for no key there: not to be reachable from outside. None unless given.',
  },
  DATA_DIR: {
    schema: z.string().transform((folder) => resolve(folder)),
    fallback: 'data',
    doc: 'Folder of the embedded database, the development server and the keys that were made here.',
  },
  DATABASE_URL: {
    schema: z
      .string()
      .refine((text) => isUrl(text, ['postgres:', 'postgresql:']), 'must be a postgres:// URL'),
    fallback: null,
    doc: 'PostgreSQL 15 or later; without it an embedded database in `DATA_DIR`.',
    secret: true,
  },
  TEMPORAL_ADDRESS: {
    schema: z.string().refine(isHostAndPort, 'must be host:port'),
    fallback: null,
    doc: "Temporal's frontend as host:port; without it a development server is started.",
  },
  TEMPORAL_NAMESPACE: {
    schema: z.string().regex(/^[A-Za-z0-9][\w.-]{1,999}$/, 'must be the name of a Temporal namespace'),
    fallback: 'default',
    doc: 'Temporal namespace of the workflows.',
  },
  TEMPORAL_TASK_QUEUE: {
    schema: z.string().max(200, 'must be at most 200 characters'),
    fallback: 'postrider',
    doc: 'Temporal task queue, the same for the API and its workers.',
  },
  TEMPORAL_TLS: {
    schema: z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true'),
    fallback: null,
    doc: 'Whether the connection to Temporal is encrypted: so it is, unless given, when one of the following is.',
  },
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: {
    schema: z.string().transform((file) => resolve(file)),
    fallback: null,
    doc: "File of the certificates (PEM) that vouch for Temporal's; the system's unless given.",
  },
  TEMPORAL_TLS_CLIENT_CERT_PATH: {
    schema: z.string().transform((file) => resolve(file)),
    fallback: null,
    doc: 'File of our own certificate (PEM), where Temporal wants one (mTLS).',
  },
  TEMPORAL_TLS_CLIENT_KEY_PATH: {
    schema: z.string().transform((file) => resolve(file)),
    fallback: null,
    doc: "File of that certificate's private key (PEM).",
  },
  TEMPORAL_TLS_SERVER_NAME: {
    schema: z.string().regex(/^[\w.-]+$/, 'must be a host name'),
    fallback: null,
    doc: "Name in Temporal's certificate, where it is not that of `TEMPORAL_ADDRESS`.",
  },
  TEMPORAL_API_KEY: {
    schema: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without blanks'),
    fallback: null,
    doc: 'API key for Temporal, where it wants one.',
    secret: true,
  },
  TEMPORAL_CLI_PATH: {
    schema: z.string().transform((file) => resolve(file)),
    fallback: null,
    doc: 'The `temporal` program to start the development server with; looked for, then installed, unless given.',
  },
  TEMPORAL_PORT: {
    schema: integer(1, 65_535),
    fallback: null,
    doc: 'Port of the development server: 7233, or a free one when that is taken, unless given.',
  },
  TEMPORAL_UI_PORT: {
    schema: integer(1, 65_535),
    fallback: null,
    doc: "Port of the development server's web page: 8233, or a free one when that is taken, unless given.",
  },
  TEMPORAL_UI_URL: {
    schema: webAddress(),
    fallback: null,
    doc: "Where operators reach Temporal's web page, for links to workflows; the development server's own unless given.",
  },
  ADMIN_API_KEY: {
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without blanks'),
    fallback: null,
    doc: "The first account's API key; made, and printed once, unless given.",
    secret: true,
  },
  ENCRYPTION_KEY: {
    schema: z
      .string()
      .refine(
        areEncryptionKeys,
        'must be 32 bytes in base64 or hex, or several such keys with commas between',
      ),
    fallback: null,
    doc: 'Key of the secrets at rest: 32 bytes in base64 or hex, older ones after a comma; made and kept in `DATA_DIR` unless given, required with `DATABASE_URL`.',
    secret: true,
  },
  ALLOWED_PRIVATE_CIDRS: {
    schema: z.string().transform((text, context) => {
      try {
        return parseCidrs(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : `${error}` });
        return z.NEVER;
      }
    }),
    fallback: '',
    doc: 'Address ranges that webhooks may be sent to though they are not public, plain http included; commas between.',
  },
  EGRESS_PROXY_URL: {
    schema: z.string().refine(isProxyUrl, 'must be an http:// or https:// URL without a path'),
    fallback: null,
    doc: 'HTTP proxy that every request to a receiver goes through (CONNECT), with user name and password where it wants them; none unless given.',
    secret: true,
  },
  EGRESS_PROXY_RESOLVES: {
    schema: z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true'),
    fallback: 'false',
    doc: 'Whether that proxy is told names instead of the addresses that were checked: then it alone keeps requests out of your own network.',
  },
  PROCESSES: {
    schema: integer(1, 64),
    fallback: null,
    doc: 'Processes that share the work: as many as there are cores with `DATABASE_URL` unless given, else one, which has the embedded database for itself.',
  },
  RETENTION_DAYS: {
    schema: integer(1, 3_650),
    fallback: '30',
    doc: 'Days for which events are kept, with their deliveries and attempts, unless an account says otherwise. What is still owed is kept for as long as it is.',
  },
  EVENTS_PER_WORKFLOW: {
    // A search attribute holds 2 KB: about sixty ids.
    schema: integer(1, 60),
    fallback: '50',
    doc: 'Most events that share a workflow in a burst; 1 gives each event its own. Under a steady load up to ten times as many, but no more than 500.',
  },
  GROUP_WINDOW_MS: {
    schema: integer(0, 10_000),
    fallback: '50',
    doc: 'Milliseconds that the starts of workflows are apart, unless they are full: within these, events share one. Under a steady load up to ten times as many, but no more than 1,000; for endpoints that are slow, 2,000.',
  },
  SCHEDULE_SCALE: {
    schema: z
      .string()
      .regex(/^\d*\.?\d+$/, 'must be a number')
      .transform(Number)
      .pipe(z.number().gt(0, 'must be above 0').max(1000, 'must be at most 1000')),
    fallback: '1',
    doc: 'For tests: multiplies every retry delay.',
  },
  SEND_TRACEPARENT: {
    schema: z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true'),
    fallback: 'false',
    doc: 'Whether receivers are told the trace of each request (header `traceparent`), where tracing is on.',
  },
  LOG_LEVEL: {
    schema: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`),
    fallback: 'info',
    doc: `One of ${logLevels.map((level) => `\`${level}\``).join(', ')}.`,
  },
} satisfies Record<string, Setting>;

type Settings = typeof settings;
export type SettingName = keyof Settings;

/** Every setting's value under its name; undefined where it was not given and has no default. */
export type Config = Readonly<
  Omit<
    {
      [Name in SettingName]:
        | z.output<Settings[Name]['schema']>
        | (Settings[Name]['fallback'] extends null ? undefined : never);
    },
    'HOST' | 'PROCESSES'
  > & { HOST: string; PROCESSES: number }
>;

/** Settings that do not do. Its message has one line for each, and no secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly { setting: SettingName; problem: string }[];

  constructor(problems: ConfigError['problems']) {
    const lines = problems.map(({ setting, problem }) => `${setting} ${problem}`);
    super(
      lines.length === 1 ? `${lines}` : `settings that do not do:\n${lines.map((l) => `  ${l}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/**
 * Reads the settings from the environment. A variable that is empty or blank counts as not given.
 * @throws ConfigError with every setting that does not do
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const values: Partial<Record<SettingName, unknown>> = {};
  const problems: { setting: SettingName; problem: string }[] = [];
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    const given = env[name]?.trim();
    const text = given === undefined || given === '' ? setting.fallback : given;
    if (text === null) continue;
    const parsed = setting.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else {
      const what = parsed.error.issues[0]?.message ?? 'does not do';
      problems.push({ setting: name, problem: setting.secret ? what : `${what} (it is ${quoted(text)})` });
    }
  }
  const isGiven = (name: SettingName) => (env[name]?.trim() ?? '') !== '';
  if (isGiven('DATABASE_URL') && !isGiven('ENCRYPTION_KEY')) {
    problems.push({
      setting: 'ENCRYPTION_KEY',
      problem:
        'is required with DATABASE_URL: 32 random bytes in base64, such as `openssl rand -base64 32` prints',
    });
  }
  if (isGiven('EGRESS_PROXY_RESOLVES') && !isGiven('EGRESS_PROXY_URL')) {
    problems.push({ setting: 'EGRESS_PROXY_RESOLVES', problem: 'needs EGRESS_PROXY_URL' });
  }
  problems.push(...temporalProblems(isGiven, values.TEMPORAL_TLS === false));
  if (!isGiven('DATABASE_URL') && Number(values.PROCESSES ?? 1) > 1) {
    problems.push({ setting: 'PROCESSES', problem: 'above 1 needs DATABASE_URL' });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  values.PROCESSES ??= isGiven('DATABASE_URL') ? Math.min(availableParallelism(), 64) : 1;
  values.HOST ??= isGiven('DATABASE_URL') ? '0.0.0.0' : '127.0.0.1';
  return values as Config;
}

const clientCert = 'TEMPORAL_TLS_CLIENT_CERT_PATH';
const clientKey = 'TEMPORAL_TLS_CLIENT_KEY_PATH';
/** What only an encrypted connection to a Temporal that is there already has. */
const encrypted = [
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  clientCert,
  clientKey,
  'TEMPORAL_TLS_SERVER_NAME',
  'TEMPORAL_API_KEY',
] as const satisfies SettingName[];

function temporalProblems(
  isGiven: (name: SettingName) => boolean,
  isPlain: boolean,
): ConfigError['problems'] {
  const given = encrypted.filter(isGiven);
  const problem = (setting: SettingName, what: string) => ({ setting, problem: what });
  return [
    ...(isGiven('TEMPORAL_ADDRESS')
      ? []
      : given.map((setting) => problem(setting, 'needs TEMPORAL_ADDRESS'))),
    ...(isPlain ? given.map((setting) => problem(setting, 'needs TEMPORAL_TLS not to be false')) : []),
    ...(isGiven(clientCert) && !isGiven(clientKey) ? [problem(clientCert, `needs ${clientKey}`)] : []),
    ...(isGiven(clientKey) && !isGiven(clientCert) ? [problem(clientKey, `needs ${clientCert}`)] : []),
  ];
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function webAddress() {
  return z
    .string()
    .refine((text) => isUrl(text, ['http:', 'https:']), 'must be an http:// or https:// URL')
    .transform((text) => text.replace(/\/+$/, ''));
}

function integer(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message));
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

function isProxyUrl(text: string): boolean {
  if (!isUrl(text, ['http:', 'https:'])) return false;
  const { hostname, pathname, search, hash, username, password } = new URL(text);
  const isBare = hostname !== '' && pathname === '/' && search === '' && hash === '';
  try {
    return isBare && [username, password].map(decodeURIComponent).length === 2;
  } catch {
    return false;
  }
}

function isHostAndPort(text: string): boolean {
  const port = /^(?:[\w.-]+|\[[\da-fA-F:]+\]):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** The settings as a Markdown table, as it stands in the README. */
export function settingsTable(): string {
  const rows = Object.entries(settings as Record<string, Setting>).map(
    ([name, { fallback, doc }]) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${doc} |`,
  );
  return ['| setting | default | |', '| --- | --- | --- |', ...rows].join('\n');
}
