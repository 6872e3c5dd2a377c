import { type Config, ConfigError, parseConfig, settings } from '../../config.ts';
import { nearest } from '../nearest.ts';
import { type Finding, findingsOf } from './finding.ts';

/** Node itself. */
export function checkNode(running: string): Finding[] {
  const finding = findingsOf('node');
  const [major = 0, minor = 0] = running.split('.').map(Number);
  const isOld = major < 20 || (major === 20 && minor < 19);
  return [isOld ? finding.problem(running, 'install Node 20.19 or later') : finding.ok(running)];
}

/** The settings, and what they are once they do. No value of a secret is told. */
export function checkSettings(env: NodeJS.ProcessEnv): { config: Config | undefined; findings: Finding[] } {
  const finding = findingsOf('settings');
  const misspelt = misspeltSettings(env).map(({ given, meant }) =>
    finding.warning(`${given} is no setting: did you mean ${meant}?`, `rename it to ${meant}, or remove it`),
  );
  try {
    const config = parseConfig(env);
    const doubts = doubtsOf(config);
    const all = [...misspelt, ...doubts];
    return { config, findings: all.length === 0 ? [finding.ok('they do')] : all };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map(({ setting, problem }) =>
      finding.problem(`${setting} ${problem}`, `${setting}: ${settings[setting].doc.replaceAll('`', '')}`),
    );
    return { config: undefined, findings: [...misspelt, ...problems] };
  }
}

/** The length, in characters, below which an API key can be guessed. */
const guessableBelow = 16;

function doubtsOf(config: Config): Finding[] {
  const finding = findingsOf('settings');
  const isShort = config.ADMIN_API_KEY !== undefined && config.ADMIN_API_KEY.length < guessableBelow;
  return [
    ...(isShort
      ? [
          finding.warning(
            'ADMIN_API_KEY is short enough to be guessed',
            'give one of 16 characters or more, such as `openssl rand -hex 24` prints',
          ),
        ]
      : []),
    ...(config.SCHEDULE_SCALE === 1
      ? []
      : [
          finding.warning(
            `SCHEDULE_SCALE is ${config.SCHEDULE_SCALE}: retries do not keep the documented schedule`,
            'remove it: it is for tests',
          ),
        ]),
    ...(config.ALLOWED_PRIVATE_CIDRS.length === 0 || config.DATABASE_URL === undefined
      ? []
      : [
          finding.warning(
            'ALLOWED_PRIVATE_CIDRS lets webhooks reach addresses that are not public',
            'remove it unless every account here may send to those',
          ),
        ]),
  ];
}

const ourPrefixes =
  /^(TEMPORAL|DATABASE|ADMIN|ENCRYPTION|ALLOWED|RETENTION|EVENTS_PER|GROUP|SCHEDULE|METRICS|PUBLIC)_/;

/** Of Temporal's own command line, which reads the same environment. */
const othersSettings = /^TEMPORAL_(TLS|CLI|ADDRESS|NAMESPACE|CODEC|PROFILE|CONFIG|GRPC|DEBUG|ENV|TEST)/;

/** Variables that look like a setting and are none. */
function misspeltSettings(env: NodeJS.ProcessEnv): { given: string; meant: string }[] {
  const names = Object.keys(settings);
  return Object.keys(env).flatMap((given) => {
    if (names.includes(given) || !ourPrefixes.test(given)) return [];
    const meant = nearest(given, names, 2);
    if (meant === undefined || (othersSettings.test(given) && given.startsWith(meant))) return [];
    return [{ given, meant }];
  });
}
