import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { createEndpointLimiter, type EndpointLimiter } from '../../delivery/endpoint-limiter.ts';
import { createEndpointSlots, type EndpointSlots } from '../../delivery/endpoint-slots.ts';
import { compileChild, startChild } from '../children/run-child.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const limiters: EndpointLimiter[] = [];
afterEach(async () => {
  for (const limiter of limiters.splice(0)) await limiter.close();
  await database.close();
});

/** One of as many processes as are wanted. */
async function newLimiter(slots: Pick<EndpointSlots, 'tryTake'> = createEndpointSlots()) {
  if (limiters.length === 0) database = await openTestDatabase();
  const limiter = createEndpointLimiter({
    db: database.db,
    slots,
    log: pino({ level: 'silent' }),
  });
  limiters.push(limiter);
  return limiter;
}

const webhookOf = (rate_limit: number | null, max_in_flight: number | null) => ({
  ...{ id: newId('wh'), rate_limit, max_in_flight },
});
const patient = { patienceMs: 10_000, isNew: true };

describe('a turn at an endpoint', () => {
  it('comes at its rate, first come first served', async () => {
    const limiter = await newLimiter();
    const webhook = webhookOf(20, null);
    const order: number[] = [];
    const startedAt = performance.now();
    const times = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        (await limiter.take(webhook, patient))?.();
        order.push(n);
        return performance.now() - startedAt;
      }),
    );
    expect(order).toEqual(order.map((_, n) => n));
    // Five that nobody had taken in time; the others 50 ms apart.
    expect(Math.max(...times)).toBeGreaterThan(650);
    expect(Math.max(...times)).toBeLessThan(2_500);
  });

  it('is refused at once where it would come too late, and to a new one while others wait in the database', async () => {
    const limiter = await newLimiter();
    const webhook = webhookOf(0.2, null);
    expect(await limiter.take(webhook, { ...patient, patienceMs: 4_000 })).not.toBeNull();
    const askedAt = performance.now();
    expect(await limiter.take(webhook, { ...patient, patienceMs: 2_000 })).toBeNull();
    expect(limiter.room(webhook)).toBe(0);
    // Not after the two seconds that it would wait.
    expect(performance.now() - askedAt).toBeLessThan(1_900);

    const other = webhookOf(100, null);
    limiter.noteWaiting(other, 10_000);
    expect(limiter.isBusy(other)).toBe(true);
    expect(await limiter.take(other, patient)).toBeNull();
    expect(await limiter.take(other, { ...patient, isNew: false })).not.toBeNull();
    limiter.noteWaiting(other, 0);
    expect(await limiter.take(other, patient)).not.toBeNull();
  });

  it('is not waited for longer than told, and by no more than can have it soon', async () => {
    const limiter = await newLimiter();
    const webhook = webhookOf(null, 1);
    const release = await limiter.take(webhook, patient);
    const askedAt = performance.now();
    expect(await limiter.take(webhook, { ...patient, patienceMs: 300 })).toBeNull();
    expect(performance.now() - askedAt).toBeGreaterThanOrEqual(299);
    const many = Array.from({ length: 40 }, () => limiter.take(webhook, { ...patient, patienceMs: 1_000 }));
    const results = Promise.all(many);
    release?.();
    const came = (await results).filter((one) => one !== null);
    expect(came).toHaveLength(1);
    expect(limiter.isBusy(webhook)).toBe(false);
    came[0]?.();
  });

  it('waits for a slot of the endpoint’s', async () => {
    let free = 0;
    const tryTake = () => {
      if (free === 0) return null;
      free -= 1;
      return () => {
        free += 1;
      };
    };
    const limiter = await newLimiter({ tryTake });
    const webhook = webhookOf(100, null);
    expect(await limiter.take(webhook, { ...patient, patienceMs: 300 })).toBeNull();
    const turn = limiter.take(webhook, patient);
    free = 1;
    expect(await turn).not.toBeNull();
    expect(free).toBe(0);
  });

  it('that is not yet due leaves it known that the endpoint takes long', async () => {
    const clock = { now: 0 };
    const slots = createEndpointSlots({ now: () => clock.now });
    const limiter = await newLimiter(slots);
    const webhook = webhookOf(1, null);
    const first = await limiter.take(webhook, patient);
    clock.now = 1_001;
    first?.();
    const tooSoon = { patienceMs: 100, isNew: false };
    expect(await limiter.take(webhook, tooSoon)).toBeNull();
    expect(slots.takesLong(webhook.id)).toBe(true);
  });

  it('comes no more once the process stops', async () => {
    const limiter = await newLimiter();
    const webhook = webhookOf(null, 1);
    const release = await limiter.take(webhook, patient);
    const waiting = limiter.take(webhook, patient);
    limiter.sendAway();
    expect(await waiting).toBeNull();
    expect(await limiter.take(webhook, patient)).toBeNull();
    release?.();
  });

  it('that is not waited for counts all the same', async () => {
    const limiter = await newLimiter();
    const webhook = webhookOf(null, 2);
    const counted = limiter.count(webhook);
    const first = await limiter.take(webhook, patient);
    expect(await limiter.take(webhook, { ...patient, patienceMs: 400 })).toBeNull();
    counted();
    expect(await limiter.take(webhook, patient)).not.toBeNull();
    first?.();
  });
});

describe('two processes', () => {
  it('share what may be under way, and a stopped one leaves the other all of it', async () => {
    const [one, other] = [await newLimiter(), await newLimiter()];
    const webhook = webhookOf(null, 4);
    const held = await Promise.all([1, 2, 3, 4].map(() => one.take(webhook, patient)));
    const waiting = [1, 2, 3].map(() => other.take(webhook, patient));
    for (const release of held.slice(0, 2)) release?.();
    // Half of it is the other's.
    await waiting[0];
    await waiting[1];
    expect(await one.take(webhook, { ...patient, patienceMs: 400 })).toBeNull();
    for (const release of held) release?.();
    await one.close();
    await waiting[2];
    expect(await other.take(webhook, patient)).not.toBeNull();
  }, 60_000);
});

describe.runIf(process.env.TEST_DATABASE_URL)('a process that is killed', () => {
  it('gives its share back in some seconds', async () => {
    const server = process.env.TEST_DATABASE_URL as string;
    const limiter = await newLimiter();
    const webhook = webhookOf(null, 3);
    const [row] = await selectRows<{ name: string }>(database.db, sql`select current_database() as name`);
    const url = new URL(server);
    url.pathname = `/${row!.name}`;
    const compiled = await compileChild('hold-share.ts');
    const child = startChild(compiled, [webhook.id, '3'], { ...process.env, DATABASE_URL: url.href });
    expect(await child.nextLine()).toBe('holds all');
    expect(await limiter.take(webhook, { ...patient, patienceMs: 1_500 })).toBeNull();
    child.process.kill('SIGKILL');
    const killedAt = performance.now();
    expect(await limiter.take(webhook, patient)).not.toBeNull();
    expect(performance.now() - killedAt).toBeLessThan(8_000);
  }, 90_000);
});
