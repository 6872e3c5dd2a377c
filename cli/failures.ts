/** The command line is not understood. The message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked cannot be done. The message is for the user: one line, or several where each names a field. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** How a command ended, as its process tells it. */
export const exitCodes = {
  done: 0,
  /** It was refused, it failed, or something is wrong. */
  failed: 1,
  /** The command line is not understood. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
