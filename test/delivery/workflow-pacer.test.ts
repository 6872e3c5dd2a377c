import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { type EventId, newId, type WebhookId } from '../../db/ids.ts';
import {
  createWorkflowPacer,
  type StoredDelivery,
  type WorkflowPacer,
} from '../../delivery/workflow-pacer.ts';
import type { WorkflowStarter } from '../../temporal/workflow-starter.ts';

const account_id = newId('acct');
const quick = newId('wh');
const slow = newId('wh');
const alsoSlow = newId('wh');

function pacerWith(eventsPerWorkflow: number) {
  const started: Parameters<WorkflowStarter['startDeliverEvents']>[0][] = [];
  const pacer = createWorkflowPacer({
    starter: {
      async startDeliverEvents(start) {
        started.push(start);
        return 'started';
      },
    },
    isSlow: (webhook) => webhook !== quick,
    log: pino({ level: 'silent' }),
    ...{ eventsPerWorkflow, windowMs: 50 },
  });
  return { pacer, started };
}

/** Stores an event that is owed to these; answers the workflow of each. */
function store(pacer: WorkflowPacer, owed: readonly WebhookId[]): { event: EventId; workflows: string[] } {
  const event = newId('evt');
  const joining = pacer.join();
  const all = owed.map((id) => ({ id }));
  const stored = all.map((webhook): StoredDelivery => {
    const workflow_id = joining.workflowIdOf(event, webhook, all);
    return { workflow_id, event_id: event, webhook_id: webhook.id, account_id };
  });
  joining.settle(stored);
  return { event, workflows: stored.map(({ workflow_id }) => workflow_id) };
}

test('what slow endpoints are to get shares workflows of its own, which start two seconds apart, and the others’ start as ever', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  try {
    const { pacer, started } = pacerWith(50);
    const first = store(pacer, [quick, slow, alsoSlow]);
    expect(first.workflows).toEqual([
      `deliver/${first.event}`,
      `deliver/${first.event}/slow`,
      `deliver/${first.event}/slow`,
    ]);
    await vi.advanceTimersByTimeAsync(10);
    const later = [store(pacer, [slow]), store(pacer, [alsoSlow, quick])];
    expect(later[0]?.workflows).toEqual([`deliver/${later[0]?.event}/slow`]);
    expect(later[1]?.workflows).toEqual([later[0]?.workflows[0], `deliver/${later[1]?.event}`]);
    await vi.advanceTimersByTimeAsync(1_900);
    const shared = store(pacer, [slow]);
    expect(shared.workflows).toEqual(later[0]?.workflows);
    expect(started.map(({ workflow_id }) => workflow_id)).toEqual([
      `deliver/${first.event}/slow`,
      `deliver/${first.event}`,
      `deliver/${later[1]?.event}`,
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect(started.at(-1)).toMatchObject({
      workflow_id: later[0]?.workflows[0],
      event_ids: [...later.map(({ event }) => event), shared.event],
      webhook_ids: [slow, alsoSlow],
    });
    await pacer.close();
  } finally {
    vi.useRealTimers();
  }
});

test('what has gathered for slow endpoints starts when the process ends', async () => {
  const { pacer, started } = pacerWith(50);
  store(pacer, [slow]);
  const waiting = store(pacer, [slow]);
  await pacer.close();
  expect(started.map(({ workflow_id }) => workflow_id)).toContain(waiting.workflows[0]);
});

test('where each event has a workflow of its own, it has one, whatever its endpoints', async () => {
  const { pacer } = pacerWith(1);
  const { event, workflows } = store(pacer, [slow, quick]);
  expect(workflows).toEqual([`deliver/${event}`, `deliver/${event}`]);
  await pacer.close();
});
