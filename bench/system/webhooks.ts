import { endpointCount, eventType, type Layout, ownerOf } from '../layout.ts';
import { lanePointer } from '../payload.ts';
import type { System } from './system.ts';

/** Requests at a time: setting up is not what is measured. */
const mostAtOnce = 8;

/** Makes the accounts of the layout and a webhook for each endpoint; resolves with a key for each account. */
export async function registerWebhooks(
  { apiUrl, adminKey }: System,
  layout: Layout,
  /** Of every endpoint. */
  urls: readonly string[],
): Promise<string[]> {
  async function create<Answer>(path: string, key: string, body: object): Promise<Answer> {
    const answer = await fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`POST ${path} was answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  const keys = await eachOf(layout.accounts, async (account) =>
    account === 0
      ? adminKey
      : (await create<{ api_key: string }>('/v1/accounts', adminKey, { name: `Account ${account}` })).api_key,
  );
  await eachOf(endpointCount(layout), async (endpoint) => {
    const { account, type } = ownerOf(layout, endpoint);
    await create('/v1/webhooks', keys[account] ?? '', {
      url: urls[endpoint],
      events: [eventType(type)],
      description: `Endpoint ${endpoint}`,
      ...(layout.lanes === 0 ? {} : { ordering: { fifo_by: lanePointer } }),
    });
  });
  return keys;
}

/** Does the work for 0 to `count` - 1, several at once. */
async function eachOf<Value>(count: number, work: (index: number) => Promise<Value>): Promise<Value[]> {
  const values = new Array<Value>(count);
  let next = 0;
  await Promise.all(
    Array.from({ length: mostAtOnce }, async () => {
      while (next < count) {
        const index = next;
        next += 1;
        values[index] = await work(index);
      }
    }),
  );
  return values;
}
