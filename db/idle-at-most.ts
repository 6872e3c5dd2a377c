import { sql } from 'drizzle-orm';

/**
 * Part of a statement that locks what a lane goes on by, or others wait for, in a transaction of several: a process that hangs
 * between two of them keeps others from it for some seconds, and then the server ends its session. Connections to a server say
 * for how long (db/database.ts); the embedded database would end with its session.
 */
export const idleAtMost = sql`set_config('idle_in_transaction_session_timeout', coalesce(
  nullif(current_setting('postrider.idle_in_lanes', true), ''),
  current_setting('idle_in_transaction_session_timeout')), true)`;
