import { afterAll, beforeAll } from 'vitest';
import { startTestPostrider, type TestPostrider } from './postrider.ts';
import { type Receiver, type Reply, startReceiver } from './receiver.ts';
import { waitFor } from './wait-for.ts';

/** One Postrider for all tests of the file that calls this, there from the first of them on, and webhooks as `endpointsOf` has them. */
export function postriderWithEndpoints() {
  const postrider = {} as TestPostrider;
  const { webhookTo, close } = endpointsOf(() => postrider);
  beforeAll(async () => {
    Object.assign(postrider, await startTestPostrider());
  });
  afterAll(async () => {
    await postrider.close();
    await close();
  });
  return { postrider, webhookTo };
}

let types = 0;

/** Webhooks whose endpoints are disabled and enabled by hand, each with an event type and a receiver of its own. */
export function endpointsOf(postrider: () => TestPostrider) {
  const receivers: Receiver[] = [];

  async function webhookTo(reply: (index: number, body: string) => Reply, settings: object = {}) {
    types += 1;
    const type = `held.type-${types}`;
    const receiver = await startReceiver(({ body }, index) => reply(index, body));
    receivers.push(receiver);
    const webhook = await postrider().createWebhook({
      url: receiver.url,
      events: [type],
      health: { failures: 100, count: 'deliveries' },
      // A busy machine is no reason to send twice.
      timeout_ms: 30_000,
      ...settings,
    });
    const request = async (method: string, path: string, body?: object) => {
      const { status, json } = await postrider().request(method, `/v1/webhooks/${webhook.id}${path}`, body);
      if (status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`);
      return json;
    };
    /** Undefined while a busy machine answers that it is not available. */
    const look = async (path: string) => {
      const { status, json } = await postrider().request('GET', `/v1/webhooks/${webhook.id}${path}`);
      return status === 200 ? json : undefined;
    };
    const post = (data: object = { message_id: 'msg_1' }) => postrider().postEvent({ type, data });
    const handle = () => postrider().temporal.workflow.getHandle(`recover/${webhook.id}`);

    return {
      webhook,
      receiver,
      type,
      post,
      request,
      handle,
      /** Answers their ids, in their order. */
      async postMany(count: number): Promise<string[]> {
        const ids: string[] = [];
        while (ids.length < count) {
          const events = Array.from({ length: Math.min(500, count - ids.length) }, () => ({
            type,
            data: { message_id: 'msg_1' },
          }));
          const { json } = await postrider().request('POST', '/v1/events/batch', { events });
          ids.push(...json.results.map(({ id }: { id: string }) => id));
        }
        return ids;
      },
      disable: () => request('POST', '/disable'),
      enable: (body?: object) => request('POST', '/enable', body),
      health: () => request('GET', '/health'),
      recovery: () => request('GET', '/recovery'),
      recover: (body: object) => request('POST', '/recover', body),
      recoveryIs: (wanted: object) =>
        waitFor(
          async () => {
            const progress = await look('/recovery');
            const isWanted = Object.entries(wanted).every(([key, value]) => progress?.[key] === value);
            return isWanted ? progress : undefined;
          },
          `the recovery to be ${JSON.stringify(wanted)}`,
        ),
      /** How many of its deliveries have each status. */
      async statuses(): Promise<Record<string, number>> {
        const counts: Record<string, number> = {};
        for (const { status } of await allDeliveries(postrider(), webhook.id)) {
          counts[status] = (counts[status] ?? 0) + 1;
        }
        return counts;
      },
      statusesAre(wanted: Record<string, number>) {
        return waitFor(
          async () => {
            const counts = await this.statuses();
            const same = JSON.stringify(sorted(counts)) === JSON.stringify(sorted(wanted));
            return same ? counts : undefined;
          },
          `the deliveries to be ${JSON.stringify(wanted)}`,
        );
      },
      heldAre: (count: number) =>
        waitFor(
          async () => ((await look('/health'))?.held === count ? true : undefined),
          `${count} deliveries to be held`,
        ),
      deliveries: () => allDeliveries(postrider(), webhook.id),
    };
  }

  return {
    webhookTo,
    close: () => Promise.all(receivers.map((receiver) => receiver.close())),
  };
}

/** Of a webhook, oldest first. */
async function allDeliveries(postrider: TestPostrider, webhookId: string) {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  const all: any[] = [];
  for (let cursor = ''; ; ) {
    const query = `webhook_id=${webhookId}&limit=250${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { json } = await postrider.request('GET', `/v1/deliveries?${query}`);
    all.push(...json.data);
    if (json.next_cursor === null) return all.reverse();
    cursor = json.next_cursor;
  }
}

function sorted(counts: Record<string, number>) {
  return Object.entries(counts).sort();
}
