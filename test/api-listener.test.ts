import { Client } from 'undici';
import { expect, it } from 'vitest';
import { listenForApi } from '../api-listener.ts';

it('closes although a client keeps its connection busy, and answers what it has taken', async () => {
  const listener = await listenForApi('127.0.0.1', 0);
  listener.serve((_, response) => setTimeout(() => response.end('done'), 5));
  const client = new Client(`http://127.0.0.1:${listener.port}`);
  let answered = 0;
  let isRefused = false;
  const asking = (async () => {
    while (!isRefused) {
      const answer = await client.request({ path: '/', method: 'GET' }).catch(() => undefined);
      if (answer === undefined) isRefused = true;
      else {
        expect(await answer.body.text()).toBe('done');
        answered += 1;
      }
    }
  })();
  await expect.poll(() => answered).toBeGreaterThan(3);
  await listener.close();
  await asking;
  await client.destroy();
});
