import { pino } from 'pino';
import { openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import { type AccountId, newId, timeOf } from '../../db/ids.ts';
import { createIntake } from '../../delivery/intake.ts';
import { createWorkflowPacer } from '../../delivery/workflow-pacer.ts';

// Accepts an event, and is killed between its commit and the start of its workflow.
const [account, type = '', folder = ''] = process.argv.slice(2);
const url = process.env.DATABASE_URL;
const { db } = url
  ? openServerDatabase({ url, poolSize: 1, onIdleError: () => {} })
  : await openEmbeddedDatabase({ folder });
const pacer = createWorkflowPacer({
  log: pino({ level: 'silent' }),
  eventsPerWorkflow: 50,
  windowMs: 50,
  isSlow: () => false,
  starter: {
    startDeliverEvents: async () => {
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    },
  },
});
const intake = createIntake({ db, pacer });
const id = newId('evt');
process.stdout.write(`${id}\n`);
await intake.accept({
  id,
  account_id: account as AccountId,
  client_id: null,
  type,
  channel: null,
  data: '{"message_id":"msg_1"}',
  is_test: false,
  created_at: timeOf(id),
  only_webhook: null,
  about_webhook: null,
  idempotency_keys: [],
  request_hash: '',
});
