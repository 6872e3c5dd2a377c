import type { Logger } from 'pino';
import { type Change, type ChangeGroup, findChangesRange, readChanges } from '../db/changes.ts';
import type { Database } from '../db/database.ts';
import type { AccountId } from '../db/ids.ts';

/** Tells listeners of the changes of their accounts, whichever process made them. */
export interface ChangesFeed {
  /**
   * Tells from now on, until the answered function is called; or, where `after` is given, from that cursor on. Changes may be
   * told twice. Undefined when there are too many listeners.
   */
  listen(
    accountId: AccountId,
    after: number | undefined,
    listener: ChangesListener,
  ): (() => void) | undefined;
  /** Everything up to it has been told to those that are ready. */
  cursor(): number;
  /** Tells every listener that there is no more, and looks no further. */
  close(): void;
}

export interface ChangesListener {
  /** From here on nothing is missed; what was missed before has been told. */
  ready(cursor: number): void;
  /** Changes in their order, and the cursor that asks for what comes after them. */
  tell(changes: readonly Change[], cursor: number): void;
  /** There is more than can be told, or the cursor is too old: only what is read anew from now on is whole. */
  reset(cursor: number): void;
  /** There is no more to come: it is to be asked for again. */
  end(): void;
}

/** How often is looked while someone listens, in ms: a change is told after twice that at the latest, were it not for the load. */
const pollMs = 500;
const mostGroups = 500;
/** Changes of an account between two looks that are told one by one. */
const mostTold = 200;
/** Groups that a listener who comes back may have missed. */
const mostMissedGroups = 2_000;
/**
 * Numbers are given before the statement is committed: one that is missing is waited for so long, in ms. Statements take 10 s at
 * the most.
 */
const gapMs = 60_000;
/** Numbers before the last one that may not be committed when someone begins to listen. */
const mostInFlight = 200;
const mostListeners = { ofAccount: 50, inAll: 1_000 };

interface Listening {
  accountId: AccountId;
  listener: ChangesListener;
  after: number | undefined;
  /** What comes while what it missed is read. Undefined once it is ready. */
  held: ChangeGroup[] | undefined;
}

/** How far was looked. */
interface Position {
  /** The highest number that was seen. */
  high: number;
  /** Numbers below it that were not seen, and since when. */
  gaps: Map<number, number>;
}

/** A feed that looks into the database twice a second while anybody listens, and never otherwise. */
export function createChangesFeed({ db, log }: { db: Database; log: Logger }): ChangesFeed {
  const listening = new Set<Listening>();
  /** Undefined while nobody listens. */
  let position: Position | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isClosed = false;

  function cursor(): number {
    if (position === undefined) return 0;
    return Math.min(...position.gaps.keys(), position.high + 1) - 1;
  }

  async function look(): Promise<void> {
    position ??= await begin(db);
    for (;;) {
      const at: Position = position;
      const groups = await readChanges(db, { after: at.high, also: [...at.gaps.keys()], limit: mostGroups });
      // Everyone has left meanwhile.
      if (position !== at || listening.size === 0) break;
      note(at, groups);
      for (const one of listening) {
        if (one.held === undefined) tell(one, groups);
        else if (one.held.length < mostMissedGroups) one.held.push(...groups);
      }
      if (groups.length < mostGroups) break;
    }
    if (listening.size === 0) position = undefined;
    for (const one of listening) if (one.held !== undefined) await catchUp(one);
  }

  function tell({ accountId, listener }: Listening, groups: readonly ChangeGroup[]) {
    const own = groups.flatMap(({ changes }) => changes.filter(({ account_id }) => account_id === accountId));
    if (own.length > mostTold) listener.reset(cursor());
    else if (own.length > 0) listener.tell(own, cursor());
  }

  /** Tells what came after the listener's cursor, then what has come meanwhile. */
  async function catchUp(one: Listening): Promise<void> {
    const missed = one.after === undefined ? [] : await readMissed(db, one.after);
    if (!listening.has(one)) return;
    const groups = [...(missed ?? []), ...(one.held ?? [])];
    one.held = undefined;
    if (missed === undefined || groups.length >= mostMissedGroups) one.listener.reset(cursor());
    else tell(one, groups);
    one.listener.ready(cursor());
  }

  async function lookSafely(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      await look();
    } catch (error) {
      // It is looked again, from where it was.
      log.debug({ reason: (error as Error).name }, 'changes could not be looked for');
    } finally {
      isLooking = false;
    }
  }

  function stop() {
    clearInterval(timer);
    timer = undefined;
    position = undefined;
  }

  return {
    listen(accountId, after, listener) {
      const ofAccount = [...listening].filter((one) => one.accountId === accountId).length;
      const isFull = ofAccount >= mostListeners.ofAccount || listening.size >= mostListeners.inAll;
      if (isClosed || isFull) return undefined;
      const one: Listening = { accountId, listener, after, held: [] };
      listening.add(one);
      timer ??= setInterval(() => void lookSafely(), pollMs);
      void lookSafely();
      return () => {
        listening.delete(one);
        if (listening.size === 0) stop();
      };
    },

    cursor,

    close() {
      isClosed = true;
      for (const { listener } of [...listening]) listener.end();
      listening.clear();
      stop();
    },
  };
}

/** What is committed now counts as seen, and what is not yet as still to come. */
async function begin(db: Database): Promise<Position> {
  const { oldest, last } = await findChangesRange(db);
  // What came before the oldest that is kept was committed long ago.
  const from = Math.max(last - mostInFlight, oldest === null ? last : oldest - 1);
  const groups = await readChanges(db, { after: from, also: [], limit: mostInFlight * 2 });
  const seen = new Set(groups.map(({ id }) => id));
  const gaps = new Map<number, number>();
  for (let id = from + 1; id <= last; id++) if (!seen.has(id)) gaps.set(id, performance.now());
  return { high: last, gaps };
}

function note(position: Position, groups: readonly ChangeGroup[]): void {
  const now = performance.now();
  for (const [id, since] of position.gaps) if (now - since > gapMs) position.gaps.delete(id);
  for (const { id } of groups) {
    position.gaps.delete(id);
    for (let missing = position.high + 1; missing < id; missing++) position.gaps.set(missing, now);
    position.high = Math.max(position.high, id);
  }
}

/** Undefined when it is no longer known, or is too much. */
async function readMissed(db: Database, after: number): Promise<ChangeGroup[] | undefined> {
  const { oldest, last } = await findChangesRange(db);
  const isKept = after <= last && (oldest === null ? after === last : after >= oldest - 1);
  return isKept ? readChanges(db, { after, also: [], limit: mostMissedGroups }) : undefined;
}
