import express from 'express';
import { expect, it } from 'vitest';
import { serveOwnMessages } from '../../api/own-messages.ts';
import { listenForApi } from '../../api-listener.ts';

it('requests and answers are Express’s own from the beginning, and no other listener’s', async () => {
  const listeners = await Promise.all([1, 2].map(() => listenForApi('127.0.0.1', 0)));
  const answers = await Promise.all(
    listeners.map(async ({ port, messages, serve, close }, number) => {
      const app = express().get('/', (request, response) => {
        response.json({
          name: request.get('X-Name'),
          of: request.app.get('name'),
          areAsMade: [request, response].map((one) => Object.getPrototypeOf(one) === made.get(one)),
        });
      });
      app.set('name', `app ${number}`);
      const made = new Map<object, object>();
      serveOwnMessages(app, messages);
      serve((request, response) => {
        for (const one of [request, response]) made.set(one, Object.getPrototypeOf(one));
        app(request, response);
      });
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Name': `name ${number}` } });
      const said = await answer.json();
      await close();
      return said;
    }),
  );
  expect(answers).toEqual([
    { name: 'name 0', of: 'app 0', areAsMade: [true, true] },
    { name: 'name 1', of: 'app 1', areAsMade: [true, true] },
  ]);
});
