import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTurns } from '../../db/in-turns.ts';

let client: PGlite;
beforeAll(async () => {
  client = await PGlite.create();
  await client.exec('create table numbers (n int)');
});
afterAll(() => client.close());

describe('the embedded database', () => {
  it('lets timers fire while ever more statements wait for it', async () => {
    const database = inTurns(client);
    let fired = 0;
    const timer = setInterval(() => {
      fired += 1;
    }, 1);
    const oneAfterTheOther = async () => {
      for (let count = 0; count < 20; count += 1) await database.query('select count(*) from numbers');
    };
    await Promise.all(Array.from({ length: 20 }, oneAfterTheOther));
    clearInterval(timer);
    expect(fired).toBeGreaterThan(5);
  });

  it('runs statements in the order of the calls, and none within the transaction of another', async () => {
    const database = inTurns(client);
    const add = (n: number) => database.query('insert into numbers values ($1)', [n]);
    await Promise.all([
      add(1),
      database.transaction(async (tx) => {
        for (const n of [2, 3]) await tx.query('insert into numbers values ($1)', [n]);
        await new Promise((resolve) => setTimeout(resolve, 10));
        await tx.query('insert into numbers values (4)');
      }),
      add(5),
    ]);
    const { rows } = await database.query<{ n: number }>('select n from numbers order by ctid');
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is closed once the statements before have run', async () => {
    const database = inTurns(await PGlite.create());
    const statements = Array.from({ length: 5 }, () => database.query('select 1'));
    await database.close();
    expect(await Promise.all(statements)).toHaveLength(5);
  });

  it('goes on after a statement that fails', async () => {
    const database = inTurns(client);
    const wrong = database.query('select wrong');
    const right = database.query<{ one: number }>('select 1 as one');
    await expect(wrong).rejects.toThrow('wrong');
    expect((await right).rows).toEqual([{ one: 1 }]);
  });
});
