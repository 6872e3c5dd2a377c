import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { verifyWebhooks as expressWebhooks } from '../../sdk/receiver/src/express.ts';
import { verifyWebhooks as fastifyWebhooks } from '../../sdk/receiver/src/fastify.ts';
import { verifyWebhooks as honoWebhooks, type WebhookEnv } from '../../sdk/receiver/src/hono.ts';
import { webhookApi, webhookRoute } from '../../sdk/receiver/src/next.ts';
import { secret, signed } from './signed-requests.ts';

const textIn = (body: unknown) => (body as { data: { text: string } }).data.text;
// biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
const jsonOf = async (response: Response): Promise<any> => response.json();

type Send = (body: string, headers: Record<string, string>) => Promise<Response>;

async function listening(server: Server): Promise<Send> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return (body, headers) => fetch(`http://127.0.0.1:${port}/hooks`, { method: 'POST', body, headers });
}

const serving = (listener: RequestListener) => listening(createServer(listener));

/** Each answers `{id, text}` of what it was sent. */
const receivers: Record<string, () => Promise<Send>> = {
  async 'Express, reading the body itself'() {
    const app = express();
    app.post('/hooks', expressWebhooks({ secret }), (request, response) => {
      response.json({ id: request.webhook?.id, text: textIn(request.body) });
    });
    return serving(app);
  },
  async 'Express after express.raw()'() {
    const app = express();
    app.post(
      '/hooks',
      express.raw({ type: 'application/json' }),
      expressWebhooks({ secret }),
      (request, response) => {
        response.json({ id: request.webhook?.id, text: textIn(request.body) });
      },
    );
    return serving(app);
  },
  async Fastify() {
    const app = fastify();
    app.register((scope, _options, done) => {
      scope.register(fastifyWebhooks, { secret });
      scope.post('/hooks', async (request) => ({
        id: request.webhook.id,
        text: textIn(request.body),
      }));
      done();
    });
    await app.ready();
    return listening(app.server);
  },
  async Hono() {
    const app = new Hono<WebhookEnv>();
    app.post('/hooks', honoWebhooks({ secret }), async (c) => {
      const { data } = await c.req.json();
      return c.json({ id: c.get('webhook').id, text: data.text });
    });
    return async (body, headers) => app.request('/hooks', { method: 'POST', body, headers });
  },
  async 'Next, App Router'() {
    const post = webhookRoute<{ data: { text: string } }>({ secret }, async ({ id, payload }) =>
      Response.json({ id, text: payload.data.text }),
    );
    return (body, headers) =>
      post(new Request('http://receiver.test/hooks', { method: 'POST', body, headers }));
  },
  async 'Next, pages'() {
    return serving(
      webhookApi<{ data: { text: string } }>({ secret }, async ({ id, payload }, _request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ id, text: payload.data.text }));
      }),
    );
  },
};

describe.each(Object.entries(receivers))('%s', (_, start) => {
  test('hands on what was signed, and refuses all else', async () => {
    const send = await start();
    const { body, headers } = signed('inbox');
    const taken = await send(body, headers);
    expect(taken.status).toBe(200);
    expect(await taken.json()).toEqual({ id: headers['webhook-id'], text: JSON.parse(body).data.text });

    const forged = await send(body.replace('msg_1', 'msg_2'), headers);
    expect({ status: forged.status, code: (await jsonOf(forged)).code }).toEqual({
      status: 401,
      code: 'wrong_signature',
    });
    const unsigned = await send(body, { 'content-type': 'application/json' });
    expect({ status: unsigned.status, code: (await jsonOf(unsigned)).code }).toEqual({
      status: 401,
      code: 'no_signature',
    });
    const long = await send(`{"text": "${'x'.repeat(1024 * 1024)}"}`, headers);
    expect(long.status).toBe(413);
  });
});

test('Express after express.json() says what is wrong, since the bytes are gone', async () => {
  const app = express();
  app.use(express.json());
  app.post('/hooks', expressWebhooks({ secret }), (_request, response) => void response.end());
  const errors: Error[] = [];
  app.use(((error, _request, response, _next) => {
    errors.push(error);
    response.status(500).end();
  }) as express.ErrorRequestHandler);
  const send = await serving(app);
  const { body, headers } = signed('inbox');
  expect((await send(body, headers)).status).toBe(500);
  expect(errors[0]?.message).toContain('mount this before any body parser');
});
