/** The database cannot be reached or refuses work for now: the same request may succeed later. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  /** Its disk is full, or nearly: it is not over in a moment. */
  readonly isFull: boolean;

  constructor(message: string, { isFull = false }: { isFull?: boolean } = {}) {
    super(message);
    this.isFull = isFull;
  }
}

/** The database refused the statement: repeating it changes nothing. */
export class DatabaseRejected extends Error {
  override readonly name = 'DatabaseRejected';
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;

  constructor(message: string, sqlState?: string, constraint?: string) {
    super(message);
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}

/**
 * A query function that throws DatabaseUnavailable and DatabaseRejected in place of the driver's errors, whose messages
 * carry bound parameters (drizzle) and stored values (PostgreSQL). Every exported function of db/ that queries is made
 * by it, so neither reaches a log, an answer or a workflow history. Other errors pass unchanged.
 */
export function query<A extends unknown[], R>(run: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      throw translate(error);
    }
  };
}

/** SQLSTATE classes and codes (PostgreSQL, appendix A) after which the same statement may succeed later. */
const passing = /^(08|53|57|58|40001|40P01|55P03|25006|25P03)/;
/** `disk_full`. */
const diskFull = '53100';
const passingSystemErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EHOSTUNREACH',
]);
const passingMessages =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|cannot use a pool after|pglite is clos/i;

function translate(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable || error instanceof DatabaseRejected) return error;
  const isQueryError = error instanceof Error && error.constructor.name === 'DrizzleQueryError';
  const cause: unknown = isQueryError ? error.cause : error;
  if (cause instanceof DatabaseUnavailable) return cause;
  if (!(cause instanceof Error))
    return isQueryError ? new DatabaseRejected('The database refused a query') : error;

  const { code, constraint } = cause as { code?: unknown; constraint?: unknown };
  if (
    typeof code === 'string' &&
    (passingSystemErrors.has(code) || (isSqlState(code) && passing.test(code)))
  ) {
    return new DatabaseUnavailable(`The database is not available (${code})`, { isFull: code === diskFull });
  }
  if (passingMessages.test(cause.message)) return new DatabaseUnavailable('The database is not available');
  if (typeof code === 'string' && isSqlState(code)) {
    return new DatabaseRejected(
      `The database refused a query (SQLSTATE ${code})`,
      code,
      typeof constraint === 'string' ? constraint : undefined,
    );
  }
  return isQueryError ? new DatabaseRejected('The database refused a query') : error;
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code);
}
