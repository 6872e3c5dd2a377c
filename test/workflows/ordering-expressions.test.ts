import { describe, expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import { waitFor } from '../setup/wait-for.ts';

const { postrider, webhookTo } = postriderWithEndpoints();

type Endpoint = Awaited<ReturnType<typeof webhookTo>>;

/** Tenths of a second, scaled. More than one, since a busy machine may not come to run an expression. */
const fourTimes = { delays_ms: [0, 100_000, 100_000, 100_000] };
/** Half a second, scaled. */
const patiently = { delays_ms: [0, ...Array(28).fill(500_000)] };
/** Gives no result for an event whose `kind` is `odd`. */
const failsForOdd = '(data.kind = "odd" ? $number("one") : data.n)';

const numbers = ({ receiver }: Endpoint) => receiver.received.map(({ body }) => JSON.parse(body) as number);

/** Events 0, 1, 2, 3 of one lane in one batch, of which 1 is odd; answers what became of each. */
async function postFour({ type }: Endpoint) {
  const events = [0, 1, 2, 3].map((n) => ({ type, data: { n, kind: n === 1 ? 'odd' : 'even' } }));
  const { json } = await postrider.request('POST', '/v1/events/batch', { events });
  return json.results.map(({ id }: { id: string }) => id) as string[];
}

const eventIs = async (id: string) => (await postrider.request('GET', `/v1/events/${id}`)).json;
const attemptsOf = async (eventId: string) => {
  const [{ id }] = (await eventIs(eventId)).deliveries;
  return (await postrider.request('GET', `/v1/deliveries/${id}`)).json.attempts;
};
const isDisabled = (endpoint: Endpoint) =>
  waitFor(async () => {
    const health = await endpoint.health();
    return health.state === 'disabled' ? health : undefined;
  }, 'the endpoint to be disabled');

describe('in a lane of a webhook with expressions', () => {
  it('what its filter keeps back takes no turn, and what its filter keeps back later makes way', async () => {
    const endpoint = await webhookTo(() => 200, {
      ...{
        ordering: 'fifo',
        transformation: 'data.n',
        filter: 'data.kind != "odd"',
        retry_schedule: patiently,
      },
    });
    const [, kept = ''] = await postFour(endpoint);
    await endpoint.statusesAre({ succeeded: 3 });
    expect(await eventIs(kept)).toMatchObject({ deliveries: [], filtered_out: [endpoint.webhook.id] });
    expect(numbers(endpoint)).toEqual([0, 2, 3]);

    // Gives no result for one, which takes its turn: nobody knows yet whether it is kept back.
    await endpoint.request('PATCH', '', { filter: '$boolean(data.kind = "odd" ? $number("one") : 1)' });
    const [, open = ''] = await postFour(endpoint);
    await waitFor(async () => ((await attemptsOf(open)).length > 0 ? true : undefined), 'the filter to fail');
    expect(numbers(endpoint)).toEqual([0, 2, 3, 0]);
    await endpoint.request('PATCH', '', { filter: 'data.kind != "odd"' });
    await endpoint.statusesAre({ succeeded: 6, cancelled: 1 });
    expect(numbers(endpoint)).toEqual([0, 2, 3, 0, 2, 3]);
  }, 60_000);

  it('one whose transformation fails is tried again before the next, which goes out where that is to be skipped', async () => {
    const endpoint = await webhookTo(() => 200, {
      ...{ ordering: 'fifo', transformation: failsForOdd, retry_schedule: fourTimes },
    });
    const [, odd = '', after = ''] = await postFour(endpoint);
    await endpoint.statusesAre({ succeeded: 3, failed: 1 });
    expect(numbers(endpoint)).toEqual([0, 2, 3]);
    const failed = await attemptsOf(odd);
    expect(failed).toHaveLength(4);
    expect(failed.at(-1)).toMatchObject({ reason: 'transformation_failed' });
    const [next] = await attemptsOf(after);
    expect(Date.parse(next.started_at)).toBeGreaterThanOrEqual(Date.parse(failed.at(-1).started_at));
  }, 60_000);

  it('one whose transformation or filter fails for good blocks it, and goes first, or makes way, once that is mended', async () => {
    const endpoint = await webhookTo(() => 200, {
      ...{ ordering: 'fifo', on_failure: 'block', transformation: failsForOdd, retry_schedule: fourTimes },
      ...{ recovery_rate: 500, health: { failures: 100, count: 'deliveries', reenable: 'manual' } },
    });
    await postFour(endpoint);
    expect((await isDisabled(endpoint)).reason).toContain(
      "failed for good (the webhook's transformation failed",
    );
    await endpoint.statusesAre({ succeeded: 1, held: 3 });
    await endpoint.request('PATCH', '', { transformation: 'data.n' });
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 4 });
    expect(numbers(endpoint)).toEqual([0, 1, 2, 3]);

    await endpoint.request('PATCH', '', { filter: '$boolean(data.kind = "odd" ? $number("one") : 1)' });
    await postFour(endpoint);
    expect((await isDisabled(endpoint)).reason).toContain("failed for good (the webhook's filter failed");
    await endpoint.request('PATCH', '', { filter: 'data.kind != "odd"' });
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 7, cancelled: 1 });
    expect(numbers(endpoint)).toEqual([0, 1, 2, 3, 0, 2, 3]);
  }, 60_000);
});
