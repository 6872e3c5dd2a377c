/** Errors that prevent a start and have a message that says so to the user. By name, so that not all of them are loaded. */
const refusals = new Set([
  'UsageError',
  'ConfigError',
  'PortNotUsable',
  'DataFolderInUse',
  'DataFolderNotAFolder',
  'DataFolderNotUsable',
  'DatabaseUnavailable',
  'SchemaTooNew',
  'TemporalUnavailable',
  'TemporalNotUsable',
  'TemporalCliNotFound',
  'DevelopmentServerFailed',
]);

/** Ends the process with exit code 1 and one line on stderr. @throws what is no reason that a user would understand */
export function refuse(error: unknown): never {
  if (!(error instanceof Error) || !refusals.has(error.name)) throw error;
  process.stderr.write(`postrider: ${error.message}\n`);
  process.exit(1);
}
