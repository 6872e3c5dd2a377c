import { expect, test } from 'vitest';
import { openEventStream } from '../setup/event-stream.ts';
import { startTestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';

test('whoever watches sees an attempt fail and the next succeed within 2 s, and does not keep Postrider from stopping', async () => {
  const receiver = await startReceiver((_, index) => (index === 0 ? 500 : 200));
  const postrider = await startTestPostrider();
  try {
    const stream = await openEventStream(`${postrider.apiUrl()}/v1/changes`, {
      authorization: `Bearer ${postrider.config.ADMIN_API_KEY}`,
    });
    await stream.message('ready', ({ event }) => event === 'ready');
    await postrider.createWebhook({ url: receiver.url, events: ['*'] });
    const { id } = await postrider.postEvent({ type: 'watched', data: {} });
    await stream.message('the event', ({ event, data }) => event === 'event' && data.id === id);
    for (const [index, status] of ['pending', 'succeeded'].entries()) {
      const told = await stream.message(
        `an attempt after which it is ${status}`,
        ({ event, data }) => event === 'attempt' && data.status === status,
      );
      expect(told.at - (receiver.received[index]?.at ?? 0)).toBeLessThan(2_000);
    }
    await postrider.stop();
    await stream.ended();
    await postrider.start();
  } finally {
    await postrider.close();
    await receiver.close();
  }
}, 60_000);
