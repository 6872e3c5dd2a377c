import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { DemoWebhook } from './scenario.ts';
import { verifySignature } from './verify-signature.cjs';

/** A request that arrived. */
export interface Arrival {
  readonly path: string;
  readonly webhookId: string;
  readonly body: string;
  /** What is wrong with its signatures or its credentials; undefined when it is what it says. */
  readonly refusal: string | undefined;
}

export interface Receiver {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  /** Tells it the secret of the webhook on a path. Until then it refuses what comes there. */
  expect(path: string, secret: string): void;
  close(): Promise<void>;
}

/** Starts a customer's server on a free port of the loopback interface: it verifies, answers as told and keeps what came. */
export async function startReceiver(webhooks: readonly DemoWebhook[]): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  const secrets = new Map<string, string>();
  const answersLeft = new Map(webhooks.map(({ path, answers }) => [path, [...answers]]));

  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString('utf8');
    const webhook = webhooks.find(({ path }) => path === request.url);
    if (webhook === undefined) {
      response.writeHead(404).end();
      return;
    }
    const refusal = whyRefused(request, body, webhook, secrets.get(webhook.path));
    arrivals.push({ path: webhook.path, webhookId: `${request.headers['webhook-id']}`, body, refusal });
    if (refusal !== undefined) {
      response.writeHead(401).end('Unauthorized');
      return;
    }
    const answer = answersLeft.get(webhook.path)?.shift() ?? 200;
    if (answer !== 'timeout') response.writeHead(answer).end(answer === 200 ? 'OK' : 'Not yet');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    arrivals,
    expect: (path, secret) => secrets.set(path, secret),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function whyRefused(
  { headers }: IncomingMessage,
  body: string,
  webhook: DemoWebhook,
  secret: string | undefined,
): string | undefined {
  if (secret === undefined) return 'it came before its webhook was registered';
  if (webhook.signsAsInbox) {
    const signature = headers['x-inbox-signature'];
    if (typeof signature !== 'string') return 'it has no X-Inbox-Signature';
    if (!verifySignature(body, signature, secret)) return "the document's verifySignature refuses it";
  }
  if (webhook.basicAuth !== undefined) {
    const { username, password } = webhook.basicAuth;
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (headers.authorization !== expected) return 'its Basic credentials are wrong';
  }
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
  } catch (error) {
    return `standardwebhooks refuses it: ${error instanceof Error ? error.message : error}`;
  }
  return undefined;
}
