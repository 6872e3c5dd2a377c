import { pino } from 'pino';
import { openServerDatabase } from '../../db/database.ts';
import type { WebhookId } from '../../db/ids.ts';
import { createEndpointLimiter } from '../../delivery/endpoint-limiter.ts';
import { createEndpointSlots } from '../../delivery/endpoint-slots.ts';

// Takes so many turns at an endpoint of `max_in_flight`, says so, and keeps them until it is killed.
const [id = '', most = ''] = process.argv.slice(2);
const { db } = openServerDatabase({
  url: process.env.DATABASE_URL ?? '',
  poolSize: 1,
  onIdleError: () => {},
});
const limiter = createEndpointLimiter({
  db,
  slots: createEndpointSlots(),
  log: pino({ level: 'silent' }),
});
const webhook = { id: id as WebhookId, rate_limit: null, max_in_flight: Number(most) };
for (let taken = 0; taken < Number(most); taken += 1) {
  await limiter.take(webhook, { patienceMs: 10_000, isNew: true });
}
process.stdout.write('holds all\n');
setInterval(() => {}, 1_000);
