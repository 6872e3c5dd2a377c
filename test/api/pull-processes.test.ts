import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Pulled } from '../../delivery/pull-door.ts';
import { startProcesses } from '../setup/processes.ts';

const total = 240;
const inBatch = 12;

describe.runIf(process.env.TEST_DATABASE_URL)('two consumers of one webhook, at two processes', () => {
  it('get what there is in its order, and nothing is lost when one of them dies, or a process', async () => {
    const { request, requestTo, urls, kill, deliveriesAre } = await startProcesses();
    const { id } = await request('POST', '/v1/webhooks', { url: null, events: ['*'] });
    /** What each had, from when it began anew to when something of its own died. */
    const lives: number[][] = [];
    let isOver = false;

    async function consume(
      urlOf: () => string,
      limit: number,
      { ackOf, diesAfter }: { ackOf: (data: Pulled[]) => object; diesAfter: number },
    ) {
      let read = 0;
      let hasDied = false;
      for (let life: number[] = []; !isOver; ) {
        if (!lives.includes(life)) lives.push(life);
        try {
          const path = `/v1/webhooks/${id}/poll`;
          const { data } = await requestTo(urlOf(), 'GET', `${path}?limit=${limit}&wait=1`);
          life.push(...data.map(({ body }: Pulled) => JSON.parse(body).data.n));
          read += data.length;
          if (data.length === 0) continue;
          if (hasDied || read < diesAfter) await requestTo(urlOf(), 'POST', `${path}/ack`, ackOf(data));
          else {
            hasDied = true;
            life = [];
          }
        } catch {
          // Its process has died: what it said last may have been heard, or not.
          life = [];
          await delay(20);
        }
      }
    }

    const consumers = [
      consume(() => urls[0] as string, 7, {
        ackOf: (data) => ({ cursor: data.at(-1)?.cursor }),
        diesAfter: 50,
      }),
      consume(() => urls.at(-1) as string, 5, {
        ackOf: (data) => ({ results: data.map(({ cursor }) => ({ cursor, status: 200 })) }),
        diesAfter: 80,
      }),
    ];
    for (let first = 0; first < total; first += inBatch) {
      const events = Array.from({ length: inBatch }, (_, index) => {
        const n = first + index;
        return { type: 'message.read', id: `n-${n}`, data: { n } };
      });
      // Where it was not answered, it may have been stored.
      while (!(await request('POST', '/v1/events/batch', { events }).catch(() => undefined))) await delay(20);
      if (first === total / 2) await kill();
    }
    const all = await deliveriesAre(id, 'succeeded', total);
    isOver = true;
    await Promise.all(consumers);
    expect(all.every(({ attempt_count }) => attempt_count === 1)).toBe(true);
    expect(new Set(lives.flat()).size).toBe(total);
    for (const life of lives) expect(life).toEqual([...new Set(life)].sort((a, b) => a - b));
  }, 60_000);
});
