import { setTimeout as delay } from 'node:timers/promises';
import { and, count, eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, type OpenDatabase, selectRows } from '../../db/database.ts';
import { cancelDelivery } from '../../db/deliveries.ts';
import { oldestHeld } from '../../db/held-deliveries.ts';
import { type AccountId, type DeliveryId, newId, uuidOf } from '../../db/ids.ts';
import {
  advanceLanes,
  findEndedLanes,
  holdBehind,
  type LaneKey,
  takeTurn,
  unblockLanes,
} from '../../db/lanes.ts';
import { findOverdueWorkflows } from '../../db/overdue-workflows.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { findRecovery, markEnded, takeHeld } from '../../db/recoveries.ts';
import { deliveries, type EndpointState, lanes, webhooks } from '../../db/schema.ts';
import { restoreLanes } from '../../db/stalled-lanes.ts';
import type { Ordering } from '../../webhook/ordering.ts';
import { openTestDatabase } from '../setup/database.ts';
import { acceptInLanes, addWebhook as addWebhookIn, newOwner as newOwnerIn, type Owner } from './in-lanes.ts';

let database: OpenDatabase;
/** Two sessions at once are for a server: the embedded database has one. */
const onServer = Boolean(process.env.TEST_DATABASE_URL);

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const newOwner = () => newOwnerIn(database.db);
const addWebhook = (account_id: AccountId, ordering: Ordering | null) =>
  addWebhookIn(database.db, account_id, ordering);
const accept = (...rest: Rest<typeof acceptInLanes>) => acceptInLanes(database.db, ...rest);
type Rest<F> = F extends (db: Database, ...rest: infer R) => unknown ? R : never;

const rowsOf = ({ webhook_id }: Owner) =>
  database.db
    .select()
    .from(deliveries)
    .where(eq(deliveries.webhook_id, webhook_id))
    .orderBy(deliveries.place);

/** Those that may be attempted by the schedule. */
async function startable(owner: Owner): Promise<DeliveryId[]> {
  const rows = await rowsOf(owner);
  return rows
    .filter(({ status, next_attempt_at }) => status === 'pending' && next_attempt_at !== null)
    .map(({ id }) => id);
}

const record = (
  { account_id, webhook_id }: Owner,
  delivery_id: DeliveryId,
  how: 'succeeds' | 'fails' | 'blocks',
) =>
  recordAttempts(database.db, [
    {
      ...{
        id: newId('att'),
        delivery_id,
        webhook_id,
        account_id,
        trigger: 'schedule',
        started_at: new Date(),
      },
      ...{
        duration_ms: 1,
        url: 'https://receiver.test/',
        request_headers: {},
        succeeded: how === 'succeeds',
      },
      ...{ reason: how === 'succeeds' ? null : 'status', detail: null, response_status: 200 },
      ...{ response_headers: {}, response_body: '', response_truncated: false, next_attempt_at: null },
      blocks: how === 'blocks',
    },
  ]);

const setState = ({ webhook_id }: Owner, endpoint_state: EndpointState) =>
  database.db.update(webhooks).set({ endpoint_state }).where(eq(webhooks.id, webhook_id));

async function advance({ webhook_id }: Owner): Promise<DeliveryId[]> {
  return (await advanceLanes(database.db, await findEndedLanes(database.db, webhook_id))).opened;
}

async function recover(owner: Owner): Promise<void> {
  await setState(owner, 'healthy');
  await unblockLanes(database.db, owner.webhook_id);
  await advance(owner);
  const take = { webhook_id: owner.webhook_id, workflow_id: `deliver/${newId('evt')}`, limit: 100 };
  await takeHeld(database.db, { ...take, leased_until: new Date(Date.now() + 3_000) });
}

const markFailed = (db: Database, { webhook_id }: Owner) =>
  markEnded(db, webhook_id, { status: 'failed', since: new Date(0), until: new Date(Date.now() + 60_000) });

async function laneOf(owner: Owner): Promise<LaneKey> {
  const [row] = await database.db.select().from(lanes).where(eq(lanes.webhook_id, owner.webhook_id));
  return row!;
}

function signal() {
  let tell: () => void = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { tell: () => tell(), told };
}

const actor = { kind: 'postrider' } as const;
const names = ['a', 'b', 'c'];

type Command =
  | { do: 'accept'; lanes: string[] }
  | { do: 'end'; nth: number; how: 'succeeds' | 'fails' | 'blocks' }
  | { do: 'cancel'; nth: number }
  | { do: 'advance' | 'disable' | 'recover' | 'mark' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('accept' as const),
      lanes: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      nth: fc.nat(2),
      how: fc.constantFrom('succeeds' as const, 'succeeds' as const, 'fails' as const, 'blocks' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), nth: fc.nat(9) }) },
  { weight: 5, arbitrary: fc.constant({ do: 'advance' as const }) },
  { weight: 1, arbitrary: fc.constantFrom<Command>({ do: 'disable' }, { do: 'recover' }) },
  { weight: 2, arbitrary: fc.constant({ do: 'mark' as const }) },
);

describe('lanes', () => {
  it('let only the first of each be attempted, in the order of acknowledgement, and let none stand still', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
        const owner = await newOwner();
        const isMarked = commands.some(({ do: what }) => what === 'mark');
        const accepted: DeliveryId[] = [];
        const attempted: DeliveryId[] = [];

        const check = async () => {
          const rows = await rowsOf(owner);
          const open = rows.filter(({ status }) => status === 'pending' || status === 'held');
          for (const lane of new Set(rows.map((row) => row.lane))) {
            const heads = open.filter((row) => row.lane === lane && row.lane_state !== 'behind');
            expect(heads.length).toBeLessThanOrEqual(1);
            for (const { status, next_attempt_at } of open.filter((row) => row.lane_state === 'behind'))
              expect(status === 'held' || next_attempt_at === null).toBe(true);
            // Marked ones go back to their old places, and the head goes on before them.
            const first = open.find((row) => row.lane === lane);
            if (!isMarked && heads.length === 1) expect(heads[0]?.id).toBe(first?.id);
          }
        };
        const end = async (id: DeliveryId | undefined, how: 'succeeds' | 'fails' | 'blocks') => {
          if (id === undefined) return;
          attempted.push(id);
          await record(owner, id, how);
        };

        for (const one of commands) {
          if (one.do === 'accept') accepted.push(...(await accept(owner, one.lanes)));
          else if (one.do === 'end') await end((await startable(owner))[one.nth], one.how);
          else if (one.do === 'cancel') {
            const id = accepted[one.nth];
            if (id !== undefined)
              await cancelDelivery(database.db, owner.account_id, id, { actor, now: new Date() });
          } else if (one.do === 'advance') await advance(owner);
          else if (one.do === 'disable') {
            await setState(owner, 'disabled');
            await holdBehind(database.db, owner.webhook_id);
          } else if (one.do === 'recover') await recover(owner);
          else await markFailed(database.db, owner);
          await check();
        }

        // Everything that was accepted ends, however it stood.
        for (let turn = 0; turn <= 2 * accepted.length; turn += 1) {
          await recover(owner);
          for (const id of await startable(owner)) await end(id, 'succeeds');
          await check();
        }
        await advance(owner);
        const rows = await rowsOf(owner);
        expect(rows.filter(({ status }) => status === 'pending' || status === 'held')).toEqual([]);
        expect(await database.db.select().from(lanes).where(eq(lanes.webhook_id, owner.webhook_id))).toEqual(
          [],
        );
        if (isMarked) return;
        const laneOf = new Map(rows.map(({ id, lane }) => [id, lane]));
        for (const lane of new Set(laneOf.values())) {
          const firstAttempts = [...new Set(attempted)].filter((id) => laneOf.get(id) === lane);
          expect(firstAttempts).toEqual(accepted.filter((id) => firstAttempts.includes(id)));
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('have the places of what several transactions store at once in the order in which these commit', async () => {
    const owner = await newOwner();
    const acknowledged: DeliveryId[][] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        // Crosswise: whoever locks them in the order in which they come stands still.
        const group = n % 2 === 0 ? ['a', 'b', 'a', 'c'] : ['c', 'b', 'a', 'a'];
        acknowledged.push(await accept(owner, group));
      }),
    );
    const rows = await rowsOf(owner);
    expect(rows).toHaveLength(80);
    for (const lane of new Set(rows.map((row) => row.lane))) {
      const inLane = rows.filter((row) => row.lane === lane);
      expect(new Set(inLane.map(({ place }) => place)).size).toBe(inLane.length);
      expect(inLane.map(({ lane_state }) => lane_state)).toEqual([
        'head',
        ...Array(inLane.length - 1).fill('behind'),
      ]);
      // Of one transaction side by side, and in the order of its events.
      const ids = inLane.map(({ id }) => id);
      for (const group of acknowledged) {
        const ofGroup = group.filter((id) => ids.includes(id));
        const at = ids.indexOf(ofGroup[0]!);
        expect(ids.slice(at, at + ofGroup.length)).toEqual(ofGroup);
      }
    }
  });

  it('are as quick to be added to when there are many of many webhooks, beside one that has no order', async () => {
    const { account_id } = await newOwner();
    for (let n = 1; n < 10; n += 1) await addWebhook(account_id, { fifo_by: '/data/lane' });
    await addWebhook(account_id, null);
    const group = Array.from({ length: 1_000 }, (_, n) => `${n - (n % 2)}`);
    // As long as a producer's request is given.
    await accept({ account_id }, group, { timeoutMs: 5_000 });
    const counts = await database.db
      .select({ lane_state: deliveries.lane_state, places: count(deliveries.place), count: count() })
      .from(deliveries)
      .where(eq(deliveries.account_id, account_id))
      .groupBy(deliveries.lane_state);
    expect(counts).toHaveLength(3);
    expect(counts).toEqual(
      expect.arrayContaining([
        { lane_state: 'head', places: 5_000, count: 5_000 },
        { lane_state: 'behind', places: 5_000, count: 5_000 },
        { lane_state: null, places: 0, count: 1_000 },
      ]),
    );
  });

  it('are rows and nothing more at rest, thousands of them, and not even that when all in them has ended', async () => {
    const owner = await newOwner();
    const many = onServer ? 10_000 : 2_500;
    // Of every second the first waits for its retry, and of the others it is held; behind each waits another.
    await database.db.execute(sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status,
        next_attempt_at, lane, place, lane_state, created_at)
      select gen_random_uuid(), ${uuidOf(owner.account_id)}, gen_random_uuid(), ${uuidOf(owner.webhook_id)}, 'deliver/' || n,
        case when n % 2 = 0 then 'pending' else 'held' end,
        case when n % 2 = 0 and place = 1 then now() + interval '1 hour' end,
        n::text, place, case place when 1 then 'head' else 'behind' end, now()
      from generate_series(1, ${many}::int) n, generate_series(1, 2) place`);
    await database.db.execute(sql`insert into lanes (webhook_id, lane, head, last_turn)
      select webhook_id, lane, id, 1 from deliveries
      where webhook_id = ${uuidOf(owner.webhook_id)} and lane_state = 'head'`);
    const isOurs = eq(lanes.webhook_id, owner.webhook_id);

    // Of these workflows would be started, or the next made the head.
    const overdue = await findOverdueWorkflows(database.db, { now: new Date(), graceMs: 0, limit: 100_000 });
    expect(overdue.filter(({ webhook_ids }) => webhook_ids.includes(owner.webhook_id))).toEqual([]);
    expect(await findEndedLanes(database.db, owner.webhook_id)).toEqual([]);
    let pages = 1;
    for (let after = await restoreLanes(database.db, null); after !== null; pages += 1) {
      after = await restoreLanes(database.db, after);
    }
    expect(pages).toBeGreaterThan(1);
    expect(await database.db.$count(lanes, isOurs)).toBe(many);

    await database.db
      .update(deliveries)
      .set({ status: 'succeeded', next_attempt_at: null })
      .where(eq(deliveries.webhook_id, owner.webhook_id));
    for (let keys = await findEndedLanes(database.db, owner.webhook_id); keys.length > 0; ) {
      expect(await advanceLanes(database.db, keys)).toEqual({ opened: [], again: [] });
      keys = await findEndedLanes(database.db, owner.webhook_id);
    }
    expect(await database.db.$count(lanes, isOurs)).toBe(0);
  });

  it('are as they were when one transaction goes on in a lane to which another adds', async () => {
    const owner = await newOwner();
    const ids: DeliveryId[] = [];
    ids.push(...(await accept(owner, ['a'])));
    for (let round = 0; round < 10; round += 1) {
      const [head] = await startable(owner);
      await record(owner, head!, 'succeeds');
      const [, added] = await Promise.all([advance(owner), accept(owner, ['a', 'a'])]);
      ids.push(...added);
      await advance(owner);
      expect(await startable(owner)).toEqual([ids[round + 1]]);
    }
  });

  it('goes on behind a delivery that somebody is writing once that is done', async () => {
    const owner = await newOwner();
    const [first, second] = await accept(owner, ['a', 'a']);
    await record(owner, first!, 'succeeds');
    const keys = await findEndedLanes(database.db, owner.webhook_id);
    if (database.kind === 'server') {
      await database.db.transaction(async (tx) => {
        await tx.select().from(deliveries).where(eq(deliveries.id, second!)).for('update');
        expect(await advanceLanes(database.db, keys)).toEqual({ opened: [], again: keys });
      });
    }
    expect((await advanceLanes(database.db, keys)).opened).toEqual([second]);
    expect((await advanceLanes(database.db, keys)).opened).toEqual([]);
    const [row] = await database.db
      .select()
      .from(deliveries)
      .where(and(eq(deliveries.id, second!), eq(deliveries.lane_state, 'head')));
    expect(row).toMatchObject({ status: 'pending', reason: null, head_start_at: expect.any(Date) });
  });

  it('go on when the head is to be sent again that had failed before anybody went on', async () => {
    const owner = await newOwner();
    const [first, second] = await accept(owner, ['a', 'a']);
    await record(owner, first!, 'fails');
    expect(await markFailed(database.db, owner)).toBe(1);
    await recover(owner);
    expect(await startable(owner)).toEqual([first]);
    await record(owner, first!, 'succeeds');
    expect(await advance(owner)).toEqual([second]);
  });

  it.skipIf(!onServer)('stay while ended deliveries go back to them', async () => {
    const owner = await newOwner();
    const [first] = await accept(owner, ['a']);
    await record(owner, first!, 'fails');
    const keys = await findEndedLanes(database.db, owner.webhook_id);
    const { advancing } = await database.db.transaction(async (tx) => {
      await markFailed(tx, owner);
      const advancing = advanceLanes(database.db, keys);
      await Promise.race([advancing, delay(300)]);
      return { advancing };
    });
    await advancing;
    await recover(owner);
    expect(await startable(owner)).toEqual([first]);
  });

  it.skipIf(!onServer)('are there again for ended deliveries that come back as they go', async () => {
    const owner = await newOwner();
    const [first] = await accept(owner, ['a']);
    await record(owner, first!, 'fails');
    const keys = await findEndedLanes(database.db, owner.webhook_id);
    const { marking } = await database.db.transaction(async (tx) => {
      await tx.select().from(lanes).where(eq(lanes.webhook_id, owner.webhook_id)).for('update');
      const marking = markFailed(database.db, owner);
      await Promise.race([marking, delay(300)]);
      await advanceLanes(tx, keys);
      return { marking };
    });
    expect(await marking).toBe(1);
    expect(await findEndedLanes(database.db, owner.webhook_id)).toEqual(keys);
    await recover(owner);
    expect(await startable(owner)).toEqual([first]);
  });

  it('keep a recovery waiting for what is held in them as long as it is soon its turn', async () => {
    const owner = await newOwner();
    const [head, next] = await accept(owner, ['a', 'a']);
    const set = (id: DeliveryId, row: Partial<typeof deliveries.$inferInsert>) =>
      database.db.update(deliveries).set(row).where(eq(deliveries.id, id));
    const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);
    const find = async () => {
      const found = await findRecovery(database.db, owner.webhook_id, inSeconds(10));
      return { oldest: found?.oldest, is_turn_near: found?.is_turn_near };
    };
    await set(head!, { next_attempt_at: inSeconds(5) });
    expect(await find()).toEqual({ oldest: null, is_turn_near: false });
    await set(next!, { status: 'held' });
    expect(await find()).toEqual({ oldest: null, is_turn_near: true });
    await set(head!, { next_attempt_at: inSeconds(60) });
    expect(await find()).toEqual({ oldest: null, is_turn_near: false });
    await record(owner, head!, 'succeeds');
    expect(await find()).toEqual({ oldest: null, is_turn_near: true });
    expect(await advance(owner)).toEqual([]);
    expect(await find()).toEqual({ oldest: next, is_turn_near: false });
  });

  it('are tried at a disabled endpoint with the delivery that they wait for', async () => {
    const owner = await newOwner();
    const [, second] = await accept(owner, ['a', 'b']);
    await record(owner, second!, 'blocks');
    await setState(owner, 'disabled');
    await database.db
      .update(deliveries)
      .set({ status: 'held' })
      .where(and(eq(deliveries.webhook_id, owner.webhook_id), eq(deliveries.lane_state, 'head')));
    expect(await oldestHeld(database.db, owner.webhook_id)).toBe(second);
    await unblockLanes(database.db, owner.webhook_id);
    expect(await oldestHeld(database.db, owner.webhook_id)).not.toBe(second);
  });

  it('are not kept from others by a process that hangs', async () => {
    const owner = await newOwner();
    const [first] = await accept(owner, ['a', 'a']);
    await record(owner, first!, 'succeeds');
    const keys = await findEndedLanes(database.db, owner.webhook_id);
    const setting = sql`select current_setting('idle_in_transaction_session_timeout') as idle`;
    const within = (act: (tx: Database) => Promise<unknown>) =>
      database.db.transaction(async (tx) => {
        await act(tx);
        return (await selectRows<{ idle: string }>(tx, setting))[0]?.idle;
      });
    // The embedded database is in the process that would hang.
    const idle = onServer ? '5s' : '0';
    expect(await within((tx) => advanceLanes(tx, keys))).toBe(idle);
    expect(await within((tx) => takeTurn(tx, keys[0]!, newId('dlv')))).toBe(idle);
    expect((await selectRows<{ idle: string }>(database.db, setting))[0]?.idle).toBe('0');
  });

  it
    .skipIf(!onServer)
    .each(['stores events under several keys', 'adds to them', 'unblocks them', 'cancels their head'])(
    'go on for others within a bound when a process hangs that %s',
    async (what) => {
      const owner = await newOwner();
      const [head] = await accept(owner, ['a', 'a']);
      if (what === 'unblocks them') await record(owner, head!, 'blocks');
      const hung = signal();
      const woken = signal();
      const hanging = database.db.transaction(async (tx) => {
        await tx.execute(sql`set local postrider.idle_in_lanes = '200'`);
        if (what === 'adds to them') await takeTurn(tx, await laneOf(owner), newId('dlv'));
        else if (what === 'unblocks them') await unblockLanes(tx, owner.webhook_id);
        else if (what === 'cancels their head')
          await cancelDelivery(tx, owner.account_id, head!, { actor, now: new Date() });
        else await acceptInLanes(tx, owner, ['a'], { keys: 2 });
        hung.tell();
        await woken.told;
      });
      const ended = hanging.then(
        () => 'committed',
        () => 'ended',
      );
      // On a machine that is slow enough it has hung before.
      await Promise.race([hung.told, ended]);
      const added = await accept(owner, ['a']);
      await record(owner, head!, 'succeeds');
      expect(await advance(owner)).toHaveLength(1);
      expect(await rowsOf(owner)).toHaveLength(3);
      expect(added).toHaveLength(1);
      woken.tell();
      expect(await ended).toBe('ended');
    },
  );
});
