import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { waitFor } from '../../setup/wait-for.ts';
import type { System } from './system.ts';

/** Attempts that somebody asks for while other things happen. */
export interface AttemptsByHand {
  /** Asks for no more; resolves once each is recorded, once and with a number that no other has, from 1 on. */
  areRecorded(): Promise<void>;
}

const deliveries = 3;
const everyMs = 500;

/** Asks again and again for one more attempt at each of a few deliveries to the URL. */
export async function askForAttemptsByHand(system: System, url: string): Promise<AttemptsByHand> {
  await system.request('POST', '/v1/webhooks', { url, events: ['by.hand'] });
  const asked = new Map<string, string[]>();
  for (let count = 0; count < deliveries; count += 1) {
    const { json: event } = await system.request('POST', '/v1/events', { type: 'by.hand', data: {} });
    const { json } = await system.request('GET', `/v1/events/${event.id}`);
    asked.set(json.deliveries[0].id, []);
  }
  let isAsking = true;
  const asking = (async () => {
    while (isAsking) {
      for (const [id, attempts] of asked) {
        const { status, json } = await system.request('POST', `/v1/deliveries/${id}/retry`);
        expect(status).toBe(202);
        attempts.push(json.attempt_id);
      }
      await delay(everyMs);
    }
  })();
  asking.catch(() => {});

  return {
    async areRecorded() {
      isAsking = false;
      await asking;
      for (const [id, ids] of asked) {
        expect(ids.length).toBeGreaterThan(1);
        const attempts = await waitFor(async () => {
          const { json } = await system.request('GET', `/v1/deliveries/${id}`);
          const recorded: { id: string; number: number; trigger: string }[] = json.attempts;
          return ids.every((one) => recorded.some((attempt) => attempt.id === one)) ? recorded : undefined;
        }, 'attempts that were asked for to be recorded');
        const byHand = attempts.filter(({ trigger }) => trigger === 'manual');
        expect(byHand.map((attempt) => attempt.id).sort()).toEqual([...ids].sort());
        const numbers = attempts.map(({ number }) => number).sort((a, b) => a - b);
        expect(numbers).toEqual(attempts.map((_, index) => index + 1));
      }
    },
  };
}
