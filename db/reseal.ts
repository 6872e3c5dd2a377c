import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { encryptionKeyIdOf, type Sealer } from './encryption.ts';
import { query } from './errors.ts';
import { idOf, type WebhookId } from './ids.ts';
import { unnest } from './unnest.ts';

/** Every column of sealed texts, with the webhook whose id they are sealed for. */
const sealedColumns = [
  { table: sql`webhook_secrets`, column: sql`sealed`, webhook: sql`webhook_id` },
  { table: sql`webhooks`, column: sql`headers_sealed`, webhook: sql`id` },
  { table: sql`webhooks`, column: sql`auth_sealed`, webhook: sql`id` },
  { table: sql`webhooks`, column: sql`tls_sealed`, webhook: sql`id` },
] as const;

const rowsPerBatch = 200;

/**
 * Seals every stored text anew that another key than the sealer's first has sealed, and answers how many. In batches, each a
 * statement of its own, and never over a text that someone else has changed meanwhile: so it can run while Postrider
 * does, and again after it was broken off.
 * @throws SecretUnreadable for a text whose key the sealer does not have
 */
export const resealAll = query(async (db: Database, sealer: Sealer): Promise<number> => {
  let resealed = 0;
  for (const place of sealedColumns) {
    for (let done = await resealBatch(db, sealer, place); done > 0; ) {
      resealed += done;
      done = await resealBatch(db, sealer, place);
    }
  }
  return resealed;
});

/** One stored text of each key that has sealed any, with the webhook it is sealed for: to try whether they can be opened. */
export const findSealedSamples = query(
  async (db: Database): Promise<{ key_id: string; webhook_id: WebhookId; sealed: string }[]> => {
    const samples = new Map<string, { key_id: string; webhook_id: WebhookId; sealed: string }>();
    for (const { table, column, webhook } of sealedColumns) {
      const rows = await selectRows<{ key_id: string; webhook_id: string; sealed: string }>(
        db,
        sql`select distinct on (split_part(${column}, '.', 2)) split_part(${column}, '.', 2) as key_id,
              ${webhook} as webhook_id, ${column} as sealed
            from ${table} where ${column} is not null order by split_part(${column}, '.', 2)`,
      );
      for (const row of rows) samples.set(row.key_id, { ...row, webhook_id: idOf('wh', row.webhook_id) });
    }
    return [...samples.values()];
  },
);

async function resealBatch(
  db: Database,
  sealer: Sealer,
  { table, column, webhook }: Record<'table' | 'column' | 'webhook', SQL>,
): Promise<number> {
  const rows = await selectRows<{ id: string; webhook_id: string; sealed: string }>(
    db,
    sql`select id, ${webhook} as webhook_id, ${column} as sealed from ${table}
        where ${column} is not null and split_part(${column}, '.', 2) <> ${sealer.keyId}
        order by id limit ${rowsPerBatch}`,
  );
  if (rows.length === 0) return 0;
  await db.execute(
    sql`update ${table} set ${column} = resealed
        from ${unnest(rows, {
          row_id: ['uuid', (row) => row.id],
          old: ['text', (row) => row.sealed],
          resealed: ['text', ({ webhook_id, sealed }) => reseal(sealer, sealed, idOf('wh', webhook_id))],
        })}
        where id = row_id and ${column} = old`,
  );
  return rows.length;
}

function reseal(sealer: Sealer, sealed: string, context: string): string {
  return encryptionKeyIdOf(sealed) === sealer.keyId
    ? sealed
    : sealer.seal(sealer.open(sealed, context), context);
}
