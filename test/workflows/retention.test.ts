import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openStorage } from '../../storage.ts';
import { retentionId } from '../../temporal/workflow-ids.ts';
import { startTestPostrider } from '../setup/postrider.ts';
import { seedDay } from '../setup/seed-days.ts';
import { waitFor } from '../setup/wait-for.ts';

it('is a schedule, whose workflow deletes what is older than RETENTION_DAYS and says how much', async () => {
  const postrider = await startTestPostrider({ RETENTION_DAYS: '7' });
  try {
    const webhook = await postrider.createWebhook({ url: 'http://127.0.0.1:8099/', events: ['nothing'] });
    const [account] = (await postrider.request('GET', '/v1/accounts')).json.data;
    await postrider.stop();
    const { config } = postrider;
    const log = pino({ level: 'silent' });
    const { database } = await openStorage(config, { folder: config.DATA_DIR, poolSize: 2, log });
    const ofIt = { accountId: account.id, webhookId: webhook.id };
    await seedDay(database.db, { ...ofIt, daysAgo: 8, count: 20 });
    await seedDay(database.db, { ...ofIt, daysAgo: 7, count: 5 });
    await database.close();
    await postrider.start();

    const id = retentionId(config.TEMPORAL_TASK_QUEUE);
    await postrider.temporal.schedule.getHandle(id).trigger();
    const run = await waitFor(async () => {
      const { info } = await postrider.temporal.schedule.getHandle(id).describe();
      const action = info.recentActions[0]?.action;
      return action?.type === 'startWorkflow' ? action.workflow : undefined;
    }, 'the workflow to start');
    const result = await postrider.temporal.workflow.getHandle(run.workflowId).result();
    expect(result).toMatchObject({ deliveries: 20, keys: 20 });
    expect((await postrider.request('GET', '/v1/events?limit=100')).json.data).toHaveLength(5);
  } finally {
    await postrider.close();
  }
}, 60_000);
