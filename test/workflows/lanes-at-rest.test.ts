import { describe, expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import { waitFor } from '../setup/wait-for.ts';

/** `npm run test:lanes` has ten thousand. */
const lanes = Number(process.env.LANES ?? 15);
const isMeasured = process.env.LANES !== undefined;
const timeoutMs = 30_000 + lanes * 60;

const { postrider, webhookTo } = postriderWithEndpoints();

const byConversation = { ordering: { fifo_by: '/data/conversation' } };
/** Scaled: ten minutes. */
const never = 600_000_000;
const mostPerBatch = 500;

/** So many events for each lane: the first of all lanes, then the second of all. */
async function postToAll(
  type: string,
  each: number,
  afterBatch: (posted: number) => Promise<unknown> = async () => {},
): Promise<void> {
  const events = Array.from({ length: lanes * each }, (_, n) => ({
    ...{ type, id: `${type.replace('.', '-')}-${n}` },
    data: { conversation: n % lanes },
  }));
  for (let at = 0; at < events.length; at += mostPerBatch) {
    const batch = { events: events.slice(at, at + mostPerBatch) };
    const { status, json } = await waitFor(async () => {
      const answer = await postrider.request('POST', '/v1/events/batch', batch);
      return answer.status === 503 ? undefined : answer;
    }, 'a batch to be taken in');
    expect(status).toBe(200);
    expect(json.results.filter((one: { status: string }) => one.status === 'refused')).toEqual([]);
    await afterBatch(Math.min(at + mostPerBatch, events.length));
  }
}

/** Of all kinds, but for the one that keeps the endpoint's health: of that there is one for each webhook that was ever unwell. */
async function runningOf(webhookId: string): Promise<string[]> {
  const query = `PostriderWebhook = "${webhookId}" AND WorkflowType != "endpointHealth" AND ExecutionStatus = "Running"`;
  const ids: string[] = [];
  for await (const { workflowId } of postrider.temporal.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

/** Workflows look once more when what they own was to go out, and so may end a while after it. */
const runningAre = (webhookId: string, wanted: readonly string[]) =>
  expect
    .poll(async () => (await runningOf(webhookId)).toSorted(), { timeout: timeoutMs, interval: 200 })
    .toEqual(wanted.toSorted());

const tell = (what: string) => isMeasured && process.stdout.write(`${lanes} lanes ${what}\n`);

describe(`${lanes} lanes`, () => {
  it('whose deliveries have ended cost no running workflow', { timeout: timeoutMs }, async () => {
    const endpoint = await webhookTo(() => 200, byConversation);
    // As fast as they are taken: those of more than the endpoint may have at once look once more when their turn was to come.
    await postToAll(endpoint.type, 2, endpoint.receiver.gets);
    await runningAre(endpoint.webhook.id, []);
    await endpoint.statusesAre({ succeeded: 2 * lanes });
    tell(`with ${2 * lanes} deliveries that have ended: 0 workflows run`);
  });

  it('that wait for the endpoint to be enabled cost no running workflow', {
    timeout: timeoutMs,
  }, async () => {
    const endpoint = await webhookTo(() => 200, byConversation);
    await endpoint.disable();
    await postToAll(endpoint.type, 3);
    await endpoint.heldAre(3 * lanes);
    await runningAre(endpoint.webhook.id, []);
    tell(`with ${3 * lanes} deliveries that are held: 0 workflows run`);
  });

  it('whose first delivery waits for its retry cost no workflow for those behind it', {
    timeout: timeoutMs,
  }, async () => {
    const endpoint = await webhookTo(() => 500, {
      ...byConversation,
      health: { failures: 100, count: 'deliveries' },
      retry_schedule: { delays_ms: [0, never] },
    });
    await postToAll(endpoint.type, 3);
    await endpoint.receiver.gets(lanes);
    const all = await waitFor(async () => {
      const deliveries = await endpoint.deliveries();
      const failed = deliveries.filter(({ attempt_count, reason }) => attempt_count === 1 && reason !== null);
      return failed.length === lanes ? deliveries : undefined;
    }, 'the first of each lane to have failed');
    const behind = all.filter(({ waits_for }) => waits_for !== null);
    expect(behind).toHaveLength(2 * lanes);
    const heads = all.filter(({ waits_for }) => waits_for === null);
    const ofHeads = [...new Set<string>(heads.map(({ workflow_id }) => workflow_id))];
    await runningAre(endpoint.webhook.id, ofHeads);
    const ofBehind = new Set(behind.map(({ workflow_id }) => workflow_id));
    expect(ofHeads.filter((id) => ofBehind.has(id))).toEqual([]);
    // As many as without an order: events that come together share them.
    expect(ofHeads.length).toBeLessThan(lanes / 4);
    expect(endpoint.receiver.received).toHaveLength(lanes);
    tell(
      `with ${2 * lanes} deliveries behind ${lanes} that wait for a retry: ${ofHeads.length} workflows run`,
    );
  });
});
