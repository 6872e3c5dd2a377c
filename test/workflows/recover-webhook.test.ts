import { describe, expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import type { Received } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

const { postrider, webhookTo } = postriderWithEndpoints();

const idOf = ({ headers }: Received) => headers['webhook-id'] as string;
const once = { retry_schedule: { delays_ms: [0] } };
/** Before anything of these tests happened. */
const longAgo = '2025-01-01T00:00:00Z';

function mostWithinASecond(received: readonly Received[]): number {
  const times = received.map(({ at }) => at).sort((a, b) => a - b);
  return Math.max(...times.map((from, index) => times.slice(index).findIndex((at) => at >= from + 1_000)));
}

/** A webhook whose deliveries all have failed; from then on its receiver answers as told. */
async function failedAt(count: number, settings: object = {}, then: () => 200 | 500 = () => 200) {
  const isWell = { now: false };
  const endpoint = await webhookTo(() => (isWell.now ? then() : 500), { ...once, ...settings });
  const ids = await endpoint.postMany(count);
  await endpoint.statusesAre({ failed: count });
  isWell.now = true;
  const before = endpoint.receiver.received.length;
  return { ...endpoint, ids, sentAgain: () => endpoint.receiver.received.slice(before) };
}

describe('what was held', () => {
  it('goes out oldest first, once, at the set pace, and not while the endpoint is disabled half-way', async () => {
    // How they are sent is the same on both: once in full.
    const count = process.env.TEST_DATABASE_URL ? 2_000 : 600;
    const rate = 200;
    const endpoint = await webhookTo(() => 200, { recovery_rate: rate });
    const { received } = endpoint.receiver;
    await endpoint.disable();
    await endpoint.postMany(count);
    await endpoint.heldAre(count);
    const oldestFirst = (await endpoint.deliveries()).map(({ event_id }) => event_id);

    await endpoint.enable();
    await endpoint.receiver.gets(count / 2);
    await endpoint.disable();
    const atDisabling = received.length;
    const paused = await endpoint.recoveryIs({ state: 'paused' });
    // What was taken for half a second, and what was on its way.
    expect(received.length - atDisabling).toBeLessThan(rate);
    const atPause = received.length;
    expect(paused.sent + paused.left).toBe(count);
    const late = await endpoint.postMany(10);
    for (const id of late) await postrider.deliveryIs(id, 'held');
    expect(received).toHaveLength(atPause);
    await waitFor(async () => {
      const { currentDetails } = (await endpoint.handle().query('__temporal_workflow_metadata')) as {
        currentDetails: string;
      };
      return currentDetails.includes('paused: the endpoint is disabled') ? true : undefined;
    }, 'the Temporal UI to say so');

    await endpoint.enable();
    const direct = await endpoint.post();
    await postrider.deliveryIs(direct.id, 'succeeded');
    const all = count + late.length;
    await endpoint.receiver.gets(all + 1);
    await endpoint.recoveryIs({ state: 'done', failed: 0, left: 0, marked: 0 });
    await endpoint.statusesAre({ succeeded: all + 1 });
    expect(received).toHaveLength(all + 1);
    expect(new Set(received.map(idOf)).size).toBe(all + 1);

    // It did not wait until the others had gone out.
    expect(received.findIndex((one) => idOf(one) === direct.id)).toBeLessThan(all);
    const recovered = received.filter((one) => idOf(one) !== direct.id);
    expect(mostWithinASecond(recovered)).toBeLessThanOrEqual(rate * 1.25);
    const place = new Map(oldestFirst.map((id, index) => [id, index]));
    recovered.forEach((one, index) => {
      // It overtakes no more than the 32 that may be on their way with it.
      expect(index).toBeGreaterThan((place.get(idOf(one)) ?? 0) - 32);
    });
  }, 180_000);

  it('is attempted again by the retry schedule where that fails, by a workflow of its own', async () => {
    const failing = new Set<string>();
    const endpoint = await webhookTo(
      (_, body) => {
        const { id } = JSON.parse(body);
        const isFirst = !failing.has(id);
        failing.add(id);
        return isFirst ? 500 : 200;
      },
      { retry_schedule: { delays_ms: [0, 1_000_000, 1_000_000] }, recovery_rate: 100 },
    );
    await endpoint.disable();
    await endpoint.postMany(30);
    await endpoint.heldAre(30);
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 30 });
    expect(endpoint.receiver.received).toHaveLength(60);
    expect(await endpoint.recovery()).toMatchObject({ state: 'done', sent: 30, succeeded: 0, failed: 0 });
    for (const delivery of await endpoint.deliveries()) {
      expect(delivery.attempt_count).toBe(2);
      expect(delivery.workflow_id).toMatch(/^deliver\/dlv_\w+\/\d+$/);
    }
  }, 60_000);

  it('does not wait for one answer before the next goes out', async () => {
    const endpoint = await webhookTo((index) => (index === 0 ? 'hang' : 200), {
      ...once,
      timeout_ms: 6_000,
      recovery_rate: 20,
    });
    await endpoint.disable();
    await endpoint.postMany(10);
    await endpoint.heldAre(10);
    await endpoint.enable();
    const received = await endpoint.receiver.gets(10);
    expect(received[9]!.at - received[0]!.at).toBeLessThan(5_500);
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({ sent: 10, succeeded: 9, failed: 1 });
  });

  it('loses nothing when its workflow continues as new', async () => {
    const endpoint = await webhookTo(() => 200, { recovery_rate: 20 });
    await endpoint.disable();
    await endpoint.postMany(300);
    await endpoint.heldAre(300);
    await endpoint.enable();
    await endpoint.receiver.gets(1);
    const { runId } = await endpoint.handle().describe();
    // Each is an event of its history at least; it continues when that has 1,000.
    for (let sent = 0; sent < 1_000; sent += 100) {
      await Promise.all(Array.from({ length: 100 }, () => endpoint.handle().signal('goOn')));
    }
    await endpoint.receiver.gets(300);
    await endpoint.statusesAre({ succeeded: 300 });
    const progress = await endpoint.recoveryIs({ state: 'done' });
    expect(progress).toMatchObject({ sent: 300, succeeded: 300, left: 0 });
    expect(endpoint.receiver.received).toHaveLength(300);
    expect((await endpoint.handle().describe()).runId).not.toBe(runId);
  }, 120_000);

  it('goes on, where it was, when Postrider is stopped and started meanwhile', async () => {
    const endpoint = await webhookTo(() => 200, { recovery_rate: 40 });
    await endpoint.disable();
    await endpoint.postMany(120);
    await endpoint.heldAre(120);
    await endpoint.enable();
    await endpoint.receiver.gets(30);
    await postrider.restart();
    await endpoint.statusesAre({ succeeded: 120 });
    expect(endpoint.receiver.received).toHaveLength(120);
    expect(mostWithinASecond(endpoint.receiver.received)).toBeLessThanOrEqual(60);
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({ sent: 120, succeeded: 120 });
  }, 60_000);
});

describe('what has failed', () => {
  it('is sent again once, however often that is asked for', async () => {
    const endpoint = await failedAt(30, { recovery_rate: 20 });
    const asked = await Promise.all([
      endpoint.recover({ since: longAgo }),
      endpoint.recover({ since: longAgo }),
    ]);
    expect(asked[0]).toEqual({
      webhook_id: endpoint.webhook.id,
      workflow_id: `recover/${endpoint.webhook.id}`,
      since: '2025-01-01T00:00:00.000Z',
      until: null,
      status: 'failed',
    });
    await endpoint.receiver.gets(35);
    await endpoint.recover({ since: longAgo });
    await endpoint.statusesAre({ succeeded: 30 });
    const progress = await endpoint.recoveryIs({ state: 'done' });
    expect(progress).toMatchObject({ marked: 30, taken_back: 0, sent: 30, succeeded: 30, left: 0 });
    expect(endpoint.sentAgain().map(idOf).sort()).toEqual(endpoint.ids.toSorted());

    await endpoint.recover({ since: longAgo });
    expect(await endpoint.recoveryIs({ state: 'done', marked: 0 })).toMatchObject({ sent: 0 });
    expect(endpoint.sentAgain()).toHaveLength(30);
    const { json } = await postrider.request('GET', '/v1/audit-log?action=webhook.recovered');
    expect(json.data[0]).toMatchObject({ subject_id: endpoint.webhook.id, details: { status: 'failed' } });
  }, 60_000);

  it('and fails again is not sent once more by the same request', async () => {
    const endpoint = await failedAt(5, { recovery_rate: 20 }, () => 500);
    await endpoint.recover({ since: longAgo });
    await endpoint.recover({ since: longAgo });
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({ marked: 5, sent: 5, failed: 5 });
    await endpoint.statusesAre({ failed: 5 });
    expect(endpoint.sentAgain()).toHaveLength(5);
  });

  it('is sent again with its whole retry schedule', async () => {
    const { ids, ...endpoint } = await failedAt(1, { retry_schedule: { delays_ms: [0, 1_000] } }, () => 500);
    await endpoint.recover({ since: longAgo });
    const delivery = await waitFor(async () => {
      const [one] = await endpoint.deliveries();
      return one.attempt_count === 4 && one.status === 'failed' ? one : undefined;
    }, 'two more attempts');
    expect(delivery.event_id).toBe(ids[0]);
    expect(endpoint.sentAgain()).toHaveLength(2);
  });

  it('outside the time that was asked for is left alone', async () => {
    const isWell = { now: false };
    const endpoint = await webhookTo(() => (isWell.now ? 200 : 500), once);
    const ids: string[] = [];
    const ends: Date[] = [];
    for (let index = 0; index < 3; index += 1) {
      const event = await endpoint.post();
      ids.push(event.id);
      ends.push(new Date((await postrider.deliveryIs(event.id, 'failed')).ended_at));
    }
    isWell.now = true;
    expect(new Set(ends.map(Number)).size).toBe(3);
    await endpoint.recover({ since: ends[1]!.toISOString(), until: ends[1]!.toISOString() });
    await postrider.deliveryIs(ids[1]!, 'succeeded');
    await endpoint.recoveryIs({ state: 'done', marked: 1 });
    expect(await endpoint.statuses()).toEqual({ failed: 2, succeeded: 1 });
    await endpoint.recover({ since: ends[2]!.toISOString() });
    await postrider.deliveryIs(ids[2]!, 'succeeded');
    await endpoint.recoveryIs({ state: 'done', marked: 1 });
    expect(await endpoint.statuses()).toEqual({ failed: 1, succeeded: 2 });
  });

  it('as a test event is left alone', async () => {
    const endpoint = await failedAt(1);
    const isTest = await postrider.request('POST', '/v1/webhooks/test', {
      webhook_id: endpoint.webhook.id,
      event_type: 'message.sent',
    });
    await postrider.deliveryIs(isTest.json.event_id, 'succeeded');
    const failing = await webhookTo((index) => (index === 0 ? 500 : 200), once);
    const { json } = await postrider.request('POST', '/v1/webhooks/test', {
      webhook_id: failing.webhook.id,
      event_type: 'message.sent',
    });
    await postrider.deliveryIs(json.event_id, 'failed');
    await failing.recover({ since: longAgo });
    expect(await failing.recoveryIs({ state: 'done' })).toMatchObject({ marked: 0, sent: 0 });
    expect(await failing.statuses()).toEqual({ failed: 1 });
  });

  it('waits, marked, while the endpoint is disabled', async () => {
    const endpoint = await failedAt(3);
    await endpoint.disable();
    await endpoint.recover({ since: longAgo });
    expect(await endpoint.recoveryIs({ state: 'paused' })).toMatchObject({ marked: 3, sent: 0, left: 3 });
    const [held] = await endpoint.deliveries();
    expect(held).toMatchObject({ status: 'held', ended_at: null, reason: 'answered 500' });
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 3 });
    expect(endpoint.sentAgain()).toHaveLength(3);
  });

  it('can be asked for from the Temporal UI, and nonsense there does no harm', async () => {
    const endpoint = await failedAt(2);
    await endpoint.disable();
    await endpoint.post();
    await endpoint.heldAre(1);
    await postrider.temporal.workflow.signalWithStart('recoverWebhook', {
      taskQueue: postrider.config.TEMPORAL_TASK_QUEUE,
      workflowId: `recover/${endpoint.webhook.id}`,
      args: [{ webhook_id: endpoint.webhook.id, account_id: '' }],
      signal: 'recover',
      signalArgs: ['everything!'],
    });
    await endpoint.recoveryIs({ state: 'paused' });
    await endpoint.handle().signal('recover', { since: longAgo });
    await endpoint.recoveryIs({ marked: 2 });
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 3 });
  }, 60_000);
});

describe('what was cancelled', () => {
  it('is sent again where that is asked for', async () => {
    const aWeek = 7 * 86_400_000;
    const endpoint = await webhookTo((index) => (index < 2 ? 500 : 200), {
      retry_schedule: { delays_ms: [0, aWeek] },
    });
    const [first, second] = await endpoint.postMany(2);
    await endpoint.receiver.gets(2);
    const { id } = await waitFor(async () => {
      const [one] = (await postrider.request('GET', `/v1/events/${first}`)).json.deliveries;
      return one.attempt_count === 1 ? one : undefined;
    }, 'the first attempt');
    await postrider.request('POST', `/v1/deliveries/${id}/cancel`);
    await endpoint.recover({ since: longAgo });
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({ marked: 0 });
    await endpoint.recover({ since: longAgo, status: 'cancelled' });
    expect(await postrider.deliveryIs(first!, 'succeeded')).toMatchObject({ id, attempt_count: 2 });
    expect((await postrider.request('GET', `/v1/events/${second}`)).json.deliveries[0].status).toBe(
      'pending',
    );
  });
});

describe('cancelling', () => {
  const underWay = async () => {
    const endpoint = await failedAt(100, { recovery_rate: 20 });
    await endpoint.disable();
    await endpoint.postMany(5);
    await endpoint.heldAre(5);
    await endpoint.recover({ since: longAgo });
    await endpoint.recoveryIs({ state: 'paused', marked: 100 });
    await endpoint.enable();
    await waitFor(async () => (endpoint.sentAgain().length >= 10 ? true : undefined), 'the first to go out');
    return endpoint;
  };

  it('gives back what had failed and is not sent, at once, and goes on with what was held', async () => {
    const endpoint = await underWay();
    const sent = endpoint.sentAgain().length;
    const { taken_back: takenBack } = await endpoint.request('POST', '/recovery/cancel');
    // How many go out until the request is carried out depends on the machine.
    expect(takenBack).toBeGreaterThan(0);
    expect(takenBack).toBeLessThanOrEqual(100 - sent);
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({
      ...{ marked: 100, taken_back: takenBack, sent: 105 - takenBack, succeeded: 105 - takenBack, left: 0 },
    });
    await endpoint.statusesAre({ failed: takenBack, succeeded: 105 - takenBack });
    expect(endpoint.sentAgain()).toHaveLength(105 - takenBack);
    const [givenBack] = (await endpoint.deliveries()).filter(({ status }) => status === 'failed');
    expect(givenBack).toMatchObject({
      attempt_count: 1,
      reason: 'answered 500',
      ended_at: expect.any(String),
    });

    await endpoint.recover({ since: longAgo });
    await endpoint.statusesAre({ succeeded: 105 });
    expect(endpoint.sentAgain()).toHaveLength(105);
    const { json } = await postrider.request(
      'GET',
      `/v1/audit-log?action=webhook.recovery_cancelled&subject_id=${endpoint.webhook.id}`,
    );
    expect(json.data[0]).toMatchObject({ details: { taken_back: takenBack } });
  }, 60_000);

  it('from the Temporal UI does the same, and the sweep goes on with what was held', async () => {
    const endpoint = await underWay();
    await endpoint.handle().cancel();
    await expect(endpoint.handle().result()).rejects.toThrow(/cancel/i);
    await endpoint.heldAre(0);
    const statuses = await waitFor(async () => {
      const counts = await endpoint.statuses();
      return counts.pending === undefined && counts.held === undefined ? counts : undefined;
    }, 'all to have ended');
    expect(statuses.failed).toBeGreaterThan(50);
    expect(statuses).toEqual({ failed: statuses.failed, succeeded: 105 - statuses.failed! });
    expect(endpoint.sentAgain()).toHaveLength(105 - statuses.failed!);
  }, 60_000);

  it('when nothing is under way changes nothing', async () => {
    const endpoint = await failedAt(1);
    expect(await endpoint.recovery()).toMatchObject({ state: 'none', since: null, sent: 0, left: 0 });
    expect(await endpoint.request('POST', '/recovery/cancel')).toEqual({
      webhook_id: endpoint.webhook.id,
      taken_back: 0,
    });
    expect(await endpoint.statuses()).toEqual({ failed: 1 });
  });
});

describe('the Temporal UI', () => {
  it('finds a recovery by its webhook and shows in words how far it has come, and nothing secret', async () => {
    const endpoint = await failedAt(40, { recovery_rate: 20 });
    await endpoint.recover({ since: longAgo });
    const details = await waitFor(async () => {
      const { currentDetails } = (await endpoint.handle().query('__temporal_workflow_metadata')) as {
        currentDetails: string;
      };
      return currentDetails.includes('**done**') ? currentDetails : undefined;
    }, 'the details');
    expect(details).toContain('40 sent: 40 succeeded, 0 failed, 0 to be attempted again');
    expect(details).toContain('40 that had ended are sent again, 0 of them were taken back');
    await waitFor(async () => {
      for await (const found of postrider.temporal.workflow.list({
        query: `PostriderWebhook = "${endpoint.webhook.id}" AND WorkflowType = "recoverWebhook"`,
      })) {
        if (found.workflowId === `recover/${endpoint.webhook.id}`) return true;
      }
      return undefined;
    }, 'the workflow to be found');
    const history = JSON.stringify(await endpoint.handle().fetchHistory());
    for (const hidden of [endpoint.receiver.url, endpoint.webhook.secret, 'msg_1']) {
      expect(history).not.toContain(hidden);
      expect(history).not.toContain(Buffer.from(hidden).toString('base64').slice(0, 12));
    }
  });
});
