import { PgDialect } from 'drizzle-orm/pg-core';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Database } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import type { AttemptRecord } from '../../db/record-attempts.ts';
import { createRecorder, DeliveryGone } from '../../delivery/recorder.ts';

/** Notes how many characters each statement carries, and stores nothing. */
function notingDatabase() {
  const written: number[] = [];
  const session = {
    prepareQuery({ params }: { params: unknown[] }) {
      const texts = params.flat().filter((value) => typeof value === 'string');
      written.push(texts.reduce((sum, text) => sum + text.length, 0));
      return { execute: async () => ({ rows: [] }) };
    },
  };
  return { db: { dialect: new PgDialect(), session } as unknown as Database, written };
}

function recordWith(request_body: string): AttemptRecord {
  return {
    ...{ id: newId('att'), delivery_id: newId('dlv'), webhook_id: newId('wh'), account_id: newId('acct') },
    ...{ trigger: 'schedule', started_at: new Date(), duration_ms: 1, url: 'https://receiver.test/' },
    ...{ request_headers: {}, request_body, succeeded: true, reason: null, detail: null },
    ...{ response_status: 200, response_headers: {}, response_body: 'ok', response_truncated: false },
    next_attempt_at: null,
  };
}

test('no statement carries more than 17 MiB, however large the bodies are, and each record is written once', async () => {
  const { db, written } = notingDatabase();
  const recorder = createRecorder({ db, log: pino({ level: 'silent' }) });
  const body = 'x'.repeat(262_144);
  const recorded = await Promise.allSettled(
    Array.from({ length: 200 }, () => recorder.record(recordWith(body))),
  );
  const reasons = recorded.map((one) => one.status === 'rejected' && one.reason);
  expect(reasons.every((reason) => reason instanceof DeliveryGone)).toBe(true);
  expect(Math.max(...written)).toBeLessThan(17 * 1024 * 1024);
  const total = written.reduce((sum, characters) => sum + characters, 0);
  expect(Math.floor(total / body.length)).toBe(200);
  // Few large ones all the same.
  expect(written.length).toBeLessThan(8);
});
