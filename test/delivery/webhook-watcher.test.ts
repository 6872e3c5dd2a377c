import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { newId } from '../../db/ids.ts';
import { createWebhookWatcher } from '../../delivery/webhook-watcher.ts';
import type { WatchedWebhook } from '../../temporal/webhook-workflow.ts';

const log = pino({ level: 'silent' });
const webhook = (): WatchedWebhook => ({ id: newId('wh'), account_id: newId('acct') });

/** A Temporal whose calls end when they are let go. */
function slowStarter() {
  const calls: { call: string; webhook: WatchedWebhook; end: (error?: Error) => void }[] = [];
  const begin = (call: string, webhook: WatchedWebhook) =>
    new Promise<'started'>((resolve, reject) => {
      calls.push({ call, webhook, end: (error) => (error ? reject(error) : resolve('started')) });
    });
  return {
    calls,
    startHealth: (webhook: WatchedWebhook) => begin('startHealth', webhook),
    tellChanged: async (webhook: WatchedWebhook) => {
      await begin('tellChanged', webhook);
    },
  };
}

describe('a webhook watcher', () => {
  test('tells of changes at once, ten at a time, and in their order', async () => {
    const starter = slowStarter();
    const watcher = createWebhookWatcher({ starter, log });
    const webhooks = Array.from({ length: 25 }, webhook);
    for (const one of webhooks) watcher.tellChanged(one);
    expect(starter.calls).toHaveLength(10);
    for (let ended = 0; ended < 25; ended++) {
      await expect.poll(() => starter.calls.length).toBe(Math.min(10 + ended, 25));
      starter.calls[ended]?.end();
    }
    await watcher.close();
    expect(starter.calls.map((one) => one.webhook)).toEqual(webhooks);
  });

  test('starts the workflows of a crowd one after the other, two a second until few wait', async () => {
    const starter = slowStarter();
    const turns: number[] = [];
    const pace = { turn: async (rate: number) => void turns.push(rate) };
    const watcher = createWebhookWatcher({ starter, log, pace });
    const webhooks = Array.from({ length: 25 }, webhook);
    for (const one of webhooks) watcher.watch(one);
    for (let ended = 0; ended < 25; ended++) {
      await expect.poll(() => starter.calls.length).toBe(ended + 1);
      starter.calls[ended]?.end();
    }
    await watcher.close();
    expect(starter.calls.map((one) => one.webhook)).toEqual(webhooks);
    // Ten may wait for no turn, and the first does not.
    expect(turns).toEqual(Array.from({ length: 14 }, () => 2));
  });

  test('tells of changes beside a crowd of new webhooks, and leaves those that wait when it is closed', async () => {
    const starter = slowStarter();
    const watcher = createWebhookWatcher({ starter, log });
    for (let index = 0; index < 1_000; index++) watcher.watch(webhook());
    watcher.tellChanged(webhook());
    expect(starter.calls.map(({ call }) => call)).toEqual(['startHealth', 'tellChanged']);
    const closing = watcher.close();
    for (const { end } of starter.calls) end();
    await closing;
    expect(starter.calls).toHaveLength(2);
  });

  test('is closed once everything was told, what still waited included', async () => {
    const starter = slowStarter();
    const watcher = createWebhookWatcher({ starter, log });
    for (let index = 0; index < 11; index++) watcher.tellChanged(webhook());
    let isClosed = false;
    const closing = watcher.close().then(() => {
      isClosed = true;
    });
    for (const { end } of starter.calls.slice(0, 10)) end();
    await expect.poll(() => starter.calls.length).toBe(11);
    expect(isClosed).toBe(false);
    starter.calls[10]?.end();
    await closing;
  });

  test('goes on after a call that failed, and tells Temporal no more of a webhook than its ids', async () => {
    const starter = slowStarter();
    const watcher = createWebhookWatcher({ starter, log });
    const { id, account_id } = webhook();
    const stored = { id, account_id, url: 'https://user:hunter2@receiver.test/' };
    watcher.watch(stored);
    starter.calls[0]?.end(new Error('refused'));
    await watcher.close();
    watcher.tellChanged(stored);
    starter.calls[1]?.end();
    await watcher.close();
    expect(starter.calls.map(({ call, webhook }) => [call, webhook])).toEqual([
      ['startHealth', { id, account_id }],
      ['tellChanged', { id, account_id }],
    ]);
  });
});
