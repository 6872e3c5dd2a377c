import type { OpenDatabase } from '../../db/database.ts';
import type { Roots } from '../usage/groups.ts';

export const variants = ['embedded', 'server'] as const;
/**
 * `embedded`: one process with the database in it, and Temporal's development server. `server`: PostgreSQL and the full
 * Temporal server, and Postrider's processes as the program starts them.
 */
export type Variant = (typeof variants)[number];

/** A Postrider of its own, empty, with all that it needs, in processes of their own. */
export interface System {
  readonly apiUrl: string;
  /** The first account's API key. */
  readonly adminKey: string;
  /** Its processes as they are now. */
  roots(): Roots;
  /** Stops Postrider, has its database opened for the work, and starts it again. */
  withDatabase(work: (database: OpenDatabase) => Promise<void>): Promise<void>;
  /** Ends everything and removes its data. */
  stop(): Promise<void>;
}

export interface SystemOptions {
  /** The folder of the compiled program: main.js and the rest. */
  readonly program: string;
  /** A folder for its data. */
  readonly folder: string;
  /** Settings of Postrider beside those that the benchmark makes. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of the full Temporal server. */
  readonly dynamicConfig: Readonly<Record<string, unknown>>;
  /** Where the profiles of Postrider's processes go; they are not profiled without it. */
  readonly profileFolder: string | undefined;
  /** Hears of each step that takes a user's time, a line each. */
  readonly report: (line: string) => void;
}
