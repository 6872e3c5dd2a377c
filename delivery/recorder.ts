import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { DatabaseRejected, DatabaseUnavailable } from '../db/errors.ts';
import { type AttemptRecord, type RecordedAttempt, recordAttempts } from '../db/record-attempts.ts';

/** Writes what attempts came to, in groups. */
export interface Recorder {
  /**
   * Resolves once the attempt is stored. While the database is away it waits and tries again, since an outcome that is
   * not recorded would mean the same attempt twice; it rejects only when the database refuses this very record.
   */
  record(record: AttemptRecord): Promise<RecordedAttempt>;
}

/** The delivery of an attempt is no longer in the database. */
export class DeliveryGone extends Error {
  override readonly name = 'DeliveryGone';
}

interface Waiting {
  record: AttemptRecord;
  resolve: (recorded: RecordedAttempt) => void;
  reject: (error: unknown) => void;
}

const mostPerWrite = 500;
/** Bodies that were made or answered are up to so long that as many records would be too much for one statement. */
const mostCharactersPerWrite = 16 * 1024 * 1024;
/** Writes begin so far apart, in ms, unless this many records wait: few large ones cost the database less. */
const apartMs = 50;
const manyRecords = 100;
/** And so far where one is among them that others wait for. */
const apartAwaitedMs = 4;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** SQLSTATE (PostgreSQL, appendix A). */
const uniqueViolation = '23505';

/**
 * A recorder that writes, in one statement, whatever has gathered since its last write began; that goes out at once where
 * it is long ago.
 */
export function createRecorder({ db, log }: { db: Database; log: Logger }): Recorder {
  let waiting: Waiting[] = [];
  let isWriting = false;
  let isAnyAwaited = false;
  let begunAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  /** Goes on with what has gathered meanwhile. */
  function writeSoon() {
    if (isWriting || waiting.length === 0) return;
    const apart = isAnyAwaited ? apartAwaitedMs : apartMs;
    const waitMs = begunAt + apart - performance.now();
    if (waitMs <= 0 || waiting.length >= manyRecords) void write();
    else if (timer === undefined || isAnyAwaited) {
      clearTimeout(timer);
      timer = setTimeout(write, waitMs);
    }
  }

  async function write() {
    clearTimeout(timer);
    timer = undefined;
    isWriting = true;
    begunAt = performance.now();
    isAnyAwaited = false;
    await writeGroup(takeGroup());
    isWriting = false;
    writeSoon();
  }

  /** One record a delivery: the statement moves each delivery once. */
  function takeGroup(): Waiting[] {
    const group = new Map<string, Waiting>();
    const left: Waiting[] = [];
    let characters = 0;
    let isFull = false;
    for (const one of waiting) {
      const key = one.record.delivery_id;
      const more = charactersOf(one.record);
      isFull ||= group.size >= mostPerWrite || (group.size > 0 && characters + more > mostCharactersPerWrite);
      if (isFull || group.has(key)) left.push(one);
      else {
        group.set(key, one);
        characters += more;
      }
    }
    waiting = left;
    return [...group.values()];
  }

  async function writeGroup(group: readonly Waiting[]) {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        const recorded = await recordAttempts(
          db,
          group.map(({ record }) => record),
        );
        const byDelivery = new Map(recorded.map((row) => [row.delivery_id, row]));
        for (const { record, resolve, reject } of group) {
          const row = byDelivery.get(record.delivery_id);
          if (row === undefined) reject(new DeliveryGone(`${record.delivery_id} is no longer stored`));
          else resolve(row);
        }
        return;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable || isRecordedMeanwhile(error))) {
          return rejectOrSplit(group, error);
        }
        log.warn(
          { attempts: group.length, retry_in_ms: pauseMs },
          'attempts wait for the database to be recorded',
        );
        await delay(pauseMs);
      }
    }
  }

  /** So that one record that the database refuses does not take the others of its group with it. */
  async function rejectOrSplit(group: readonly Waiting[], error: unknown) {
    if (group.length === 1) group[0]?.reject(error);
    else for (const one of group) await writeGroup([one]);
  }

  return {
    record: (record) =>
      new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject });
        isAnyAwaited ||= record.is_awaited === true;
        writeSoon();
      }),
  };
}

function charactersOf({ request_body, response_body }: AttemptRecord): number {
  return (request_body?.length ?? 0) + (response_body?.length ?? 0);
}

/** A statement that was given up, since the server hung, has gone through after all. */
function isRecordedMeanwhile(error: unknown): boolean {
  return error instanceof DatabaseRejected && error.sqlState === uniqueViolation;
}
