import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { type Receiver, startReceiver } from '../../setup/receiver.ts';
import { openWay } from '../flaky-way.ts';
import { openBrowser, openPage, signIn } from '../open-browser.ts';

/** From a change on the server until it stands on the page, in ms. */
const allowedMs = 2_000;

let browser: Browser;
let postrider: TestPostrider;
let receiver: Receiver;
let answer = 200;
let webhook: { id: string };

beforeAll(async () => {
  [browser, postrider, receiver] = await Promise.all([
    openBrowser(),
    startTestPostrider({ SCHEDULE_SCALE: '0.02' }),
    startReceiver(() => answer),
  ]);
  webhook = await postrider.createWebhook({
    url: receiver.url,
    events: ['message.*'],
    description: 'Watched',
    health: { count: 'attempts', failures: 100 },
  });
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
  await receiver?.close();
});

let took: Record<string, number> = {};

function tellAndCheck() {
  process.stdout.write(`seen after, in ms: ${JSON.stringify(took)}\n`);
  for (const [what, ms] of Object.entries(took)) expect(ms, what).toBeLessThan(allowedMs);
  took = {};
}

/** From before the server is asked for the change, so a little more than what is to be measured. */
async function seenAfter(what: string, change: () => Promise<unknown>, seen: () => Promise<unknown>) {
  const startedAt = performance.now();
  const isSeen = seen();
  await Promise.all([change(), isSeen]);
  took[what] = Math.round(performance.now() - startedAt);
}

const headed = (page: Page, words: string) =>
  page.getByRole('heading', { level: 1 }).locator('..').getByText(words).waitFor();

test('what changes on the server is on the page within 2 s, one change after another', async () => {
  const { page, context } = await openPage(browser);
  await signIn(page, postrider.apiUrl(), postrider.key);
  await page.goto(`${postrider.apiUrl()}/deliveries`);
  await page.getByText('No deliveries yet').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  const post = (type: string) => postrider.postEvent({ type, data: {} });
  const row = (...texts: string[]) =>
    texts.reduce((rows, hasText) => rows.filter({ hasText }), page.getByRole('row')).waitFor();

  await seenAfter(
    'the first delivery',
    () => post('message.delivered'),
    () => row('message.delivered', 'Succeeded'),
  );
  await seenAfter(
    'another, right after it',
    () => post('message.read'),
    () => row('message.read', 'Succeeded'),
  );
  answer = 500;
  await seenAfter(
    'one that fails',
    () => post('message.failed'),
    () => row('message.failed', 'Answered 500'),
  );
  const [delivery] = (await postrider.request('GET', '/v1/deliveries?status=pending')).json.data;
  await page.getByRole('row').filter({ hasText: 'message.failed' }).getByRole('link').click();
  await headed(page, 'Retrying');
  await seenAfter(
    'its end by another’s hand',
    () => postrider.request('POST', `/v1/deliveries/${delivery.id}/cancel`),
    () => headed(page, 'Cancelled'),
  );
  const attempts = await page.getByText(/^Attempt \d+:/).count();
  await seenAfter(
    'an attempt',
    () => postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`),
    () => page.getByText(`Attempt ${attempts + 1}: answered 500`).waitFor(),
  );
  await page.goto(`${postrider.apiUrl()}/webhooks`);
  await page.getByRole('row').filter({ hasText: 'Watched' }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await seenAfter(
    'a disabled endpoint',
    () => postrider.request('POST', `/v1/webhooks/${webhook.id}/disable`),
    () => row('Watched', 'Disabled'),
  );
  await seenAfter(
    'and enabled again',
    () => postrider.request('POST', `/v1/webhooks/${webhook.id}/enable`),
    () => row('Watched', 'Healthy'),
  );
  tellAndCheck();
  await context.close();
});

test('on every other page as well', async () => {
  answer = 500;
  const { page, context } = await openPage(browser);
  await signIn(page, postrider.apiUrl(), postrider.key);
  const open = async (path: string, shown: string) => {
    await page.goto(`${postrider.apiUrl()}${path}`);
    await page.getByText(shown).filter({ visible: true }).first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  };
  const row = (text: string | RegExp) => page.getByRole('row').filter({ hasText: text });
  const patient = { url: receiver.url, retry_schedule: { delays_ms: [0, 86_400_000] } };
  await postrider.createWebhook({ ...patient, events: ['patient.*'], description: 'Patient' });

  await open('/', 'Failing now');
  const waiting = Number((await page.getByRole('link', { name: /^Failing now/ }).innerText()).split('\n')[1]);
  await seenAfter(
    'what fails, on the overview',
    () => postrider.postEvent({ type: 'patient.first', data: {} }),
    () => page.getByRole('link', { name: `Failing now ${waiting + 1}` }).waitFor(),
  );
  await open('/events', 'patient.first');
  let event = { id: '' };
  await seenAfter(
    'an event, in the list',
    async () => {
      event = await postrider.postEvent({ type: 'patient.second', data: {} });
    },
    () => row('patient.second').waitFor(),
  );
  await page.goto(`${postrider.apiUrl()}/events/${event.id}`);
  await row('Retrying').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  const { id: delivery } = await postrider.deliveryIs(event.id, 'pending');
  await seenAfter(
    'where an event went, on its page',
    () => postrider.request('POST', `/v1/deliveries/${delivery}/cancel`),
    () => row('Cancelled').waitFor(),
  );
  await open('/webhooks', 'Patient');
  let made = { id: '' };
  await seenAfter(
    'a new webhook',
    async () => {
      made = await postrider.createWebhook({ ...patient, events: ['x.y'], description: 'Made elsewhere' });
    },
    () => row('Made elsewhere').waitFor(),
  );
  await seenAfter(
    'its new name',
    () => postrider.request('PATCH', `/v1/webhooks/${made.id}`, { description: 'Renamed elsewhere' }),
    () => row('Renamed elsewhere').waitFor(),
  );
  await open(`/webhooks/${made.id}`, 'Nothing was sent yet');
  await seenAfter(
    'its first delivery, on its page',
    () => postrider.postEvent({ type: 'x.y', data: {} }),
    () => row('Answered 500').waitFor(),
  );
  await open('/webhooks', 'Renamed elsewhere');
  await seenAfter(
    'that it is gone',
    () => postrider.request('DELETE', `/v1/webhooks/${made.id}`),
    () => row('Renamed elsewhere').waitFor({ state: 'detached' }),
  );
  await open('/inbox?contact=somebody', 'no messages');
  await seenAfter(
    'a message',
    () =>
      postrider.request('POST', '/v1/inbox/messages', [{ externalCustomerId: 'somebody', title: 'Welcome' }]),
    () => page.getByRole('heading', { name: 'Welcome' }).waitFor(),
  );
  await open('/settings/event-types', 'message.delivered');
  await seenAfter(
    'an event type',
    () => postrider.request('PUT', '/v1/event-types/order.placed', { description: 'Somebody bought' }),
    () => page.getByText('Somebody bought').waitFor(),
  );
  await open('/settings', 'Admin key');
  await seenAfter(
    'a key',
    () => postrider.request('POST', '/v1/api-keys', { name: 'Made elsewhere' }),
    () => row('Made elsewhere').waitFor(),
  );
  tellAndCheck();
  await context.close();
});

test('a tab that nobody looks at takes no connection, and shows what came meanwhile once somebody does', async () => {
  answer = 200;
  const { page, context } = await openPage(browser);
  await signIn(page, postrider.apiUrl(), postrider.key);
  await page.goto(`${postrider.apiUrl()}/events`);
  await page.getByText('Live', { exact: true }).waitFor();
  const show = (state: 'hidden' | 'visible') =>
    page.evaluate(`
      Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  const ended = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/v1/changes'));
  await show('hidden');
  await ended;
  await postrider.postEvent({ type: 'message.unseen', data: {} });
  const seen = page.getByRole('row').filter({ hasText: 'message.unseen' });
  await seenAfter(
    'what came while nobody looked',
    () => show('visible'),
    () => seen.waitFor(),
  );
  await page.getByText('Live', { exact: true }).waitFor();
  tellAndCheck();
  await context.close();
});

test('a lost connection loses nothing: what came meanwhile is on the page within 2 s, and nothing that was shown goes', async () => {
  answer = 200;
  const way = await openWay(postrider.apiUrl());
  const { page, context } = await openPage(browser);
  await signIn(page, way.url, postrider.key);
  await page.goto(`${way.url}/deliveries`);
  const shown = page.getByRole('row').filter({ hasText: 'message.delivered' });
  await shown.first().waitFor();
  await page.getByText('Live', { exact: true }).waitFor();

  way.cut();
  await page.getByText('Connecting …').waitFor();
  await postrider.postEvent({ type: 'message.meanwhile', data: {} });
  // The page asks in vain, and keeps what it has.
  await page.waitForEvent('requestfailed', (request) => request.url().includes('/v1/deliveries'));
  expect(await shown.count()).toBeGreaterThan(0);
  const before = way.requests.length;
  way.mend();
  const startedAt = performance.now();
  await page.getByRole('row').filter({ hasText: 'message.meanwhile' }).waitFor();
  const ms = performance.now() - startedAt;
  await page.getByText('Live', { exact: true }).waitFor();
  const resumed = way.requests.slice(before).find((text) => text.startsWith('GET /v1/changes'));
  process.stdout.write(`seen after the connection was back: ${ms.toFixed()} ms\n`);
  expect(resumed).toMatch(/^last-event-id: \d+\r$/im);
  expect(ms).toBeLessThan(allowedMs);
  await context.close();
  await way.close();
});
