import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, createApi } from './api.ts';
import { type Outcome, problemsOf } from './outcome.ts';
import { type RunningPostrider, startPostrider } from './postrider.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { deliveryTable, workflowLinks } from './report.ts';
import { demoEvents, demoWebhooks } from './scenario.ts';

export interface DemoOptions {
  /** scripts/start.js. */
  readonly startScript: string;
  /** Leaves it running, to look at, until a signal comes. */
  readonly keep: boolean;
  /** Has the receiver verify with a secret that is not the webhook's: the demo must then fail. */
  readonly wrongSecret: boolean;
  readonly print: (text: string) => void;
}

/** Far more than the retries take at the demo's scale. */
const deliveredMs = 60_000;
const pollMs = 200;

/** Runs the demo; resolves with the exit code, 0 only if every event arrived as its document says. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { print } = options;
  const interrupted = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  const dataFolder = await mkdtemp(join(tmpdir(), 'postrider-demo-'));
  const receiver = await startReceiver(demoWebhooks);
  let postrider: RunningPostrider | undefined;
  try {
    print('Starting Postrider in a temporary folder …');
    postrider = await startPostrider({
      startScript: options.startScript,
      dataFolder,
      adminKey: `demo_${randomBytes(16).toString('hex')}`,
      log: (line) => print(`  │ ${line}`),
    });
    await orInterrupted(postrider.ready, interrupted);
    const problems = await orInterrupted(deliverAndReport(postrider, receiver, options), interrupted);
    if (options.keep) {
      print(`\nStill running, until Ctrl-C:\n${addresses(postrider, receiver)}`);
      print(`${await Promise.race([interrupted, postrider.exited])}: stopping`);
    }
    return problems.length === 0 ? 0 : 1;
  } finally {
    await postrider?.stop();
    await receiver.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

async function deliverAndReport(
  postrider: RunningPostrider,
  receiver: Receiver,
  { print, wrongSecret }: DemoOptions,
): Promise<string[]> {
  const api = createApi(postrider.apiUrl, postrider.adminKey);
  const webhookIds = new Map<string, string>();
  for (const { path, request } of demoWebhooks) {
    const { id, secret } = await api.registerWebhook({ ...request, url: `${receiver.url}${path}` });
    receiver.expect(path, wrongSecret ? `whsec_${randomBytes(32).toString('base64')}` : secret);
    webhookIds.set(path, id);
  }
  print(`Registered ${demoWebhooks.length} webhooks; posting ${demoEvents.length} events …`);

  const posted: { event: (typeof demoEvents)[number]; eventId: string }[] = [];
  for (const event of demoEvents) {
    posted.push({ event, eventId: (await api.postEvent(event.request)).id });
  }

  const outcomesNow = () =>
    Promise.all(
      posted.map(async ({ event, eventId }): Promise<Outcome> => {
        const webhookId = webhookIds.get(event.webhook.path) ?? '';
        return outcomeOf({ event, eventId, webhookId }, api, receiver);
      }),
    );
  const outcomes = await settled(outcomesNow, receiver);
  print(`\nDeliveries\n${deliveryTable(outcomes)}`);
  print(`\nTheir workflows in the Temporal UI\n${workflowLinks(outcomes, postrider.temporalUiUrl)}\n`);

  const problems = outcomes.flatMap((outcome) =>
    problemsOf(outcome).map((problem) => `${outcome.event.request.type} (${outcome.eventId}): ${problem}`),
  );
  for (const problem of problems) print(`  wrong: ${problem}`);
  print(
    problems.length === 0
      ? `All ${outcomes.length} events arrived, verified, with the attempts expected and the bodies documented.`
      : `The demo failed: ${problems.length} things are not as they should be.`,
  );
  return problems;
}

async function outcomeOf(
  posted: Pick<Outcome, 'event' | 'eventId' | 'webhookId'>,
  api: Api,
  { arrivals }: Receiver,
): Promise<Outcome> {
  return {
    ...posted,
    deliveries: await api.deliveriesOf(posted.eventId),
    arrivals: arrivals.filter(({ webhookId }) => webhookId === posted.eventId),
  };
}

/** Waits until every delivery has ended, or all have arrived and one was refused, or the time is up. */
async function settled(outcomesNow: () => Promise<Outcome[]>, receiver: Receiver): Promise<Outcome[]> {
  const deadline = Date.now() + deliveredMs;
  for (;;) {
    const outcomes = await outcomesNow();
    const isEnded = outcomes.every(
      ({ deliveries }) => deliveries.length > 0 && deliveries.every(({ status }) => status !== 'pending'),
    );
    const isRefused =
      receiver.arrivals.some(({ refusal }) => refusal !== undefined) &&
      outcomes.every(({ arrivals }) => arrivals.length > 0);
    if (isEnded || isRefused || Date.now() > deadline) return outcomes;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function addresses({ apiUrl, temporalUiUrl, adminKey }: RunningPostrider, { url }: Receiver): string {
  return [
    `  API          ${apiUrl}`,
    `  API docs     ${apiUrl}/docs`,
    `  Temporal UI  ${temporalUiUrl}`,
    `  receiver     ${url}`,
    `  API key      ${adminKey}`,
  ].join('\n');
}

/** Settles as the promise does, unless a signal comes first. */
function orInterrupted<Value>(promise: Promise<Value>, interrupted: Promise<string>): Promise<Value> {
  return Promise.race([
    promise,
    interrupted.then((signal) => {
      throw new Error(`stopped by ${signal}`);
    }),
  ]);
}
