import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { type Receiver, startReceiver } from '../../setup/receiver.ts';
import { type OpenPage, openBrowser, openPage, signIn } from '../open-browser.ts';

let browser: Browser;
let postrider: TestPostrider;
let receiver: Receiver;
let open: OpenPage;

beforeAll(async () => {
  [browser, postrider, receiver] = await Promise.all([openBrowser(), startTestPostrider(), startReceiver()]);
  open = await openPage(browser);
  await signIn(open.page, postrider.apiUrl(), postrider.key);
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
  await receiver?.close();
});

const refusal = {
  status: 403,
  contentType: 'application/problem+json',
  body: JSON.stringify({ status: 403, code: 'forbidden', title: 'Not today', detail: 'Not today' }),
};

test.each([
  ['/', '/v1/webhooks', 'No webhooks yet'],
  ['/', '/v1/stats', 'of 0 attempts'],
  ['/webhooks', '/v1/webhooks', 'No webhooks yet'],
  ['/deliveries', '/v1/deliveries', 'No deliveries yet'],
  ['/events', '/v1/events', 'No events yet'],
  ['/inbox?contact=nobody', '/v1/inbox/contacts/nobody/messages', 'no messages'],
  ['/settings', '/v1/api-keys', 'Admin key'],
  ['/settings/event-types', '/v1/event-types', 'message.delivered'],
  ['/settings/account', '/v1/accounts/*', 'A batch of events'],
  ['/settings/audit-log?subject_id=wh_none', '/v1/audit-log', 'Nothing was done'],
])('%s shows that %s is on its way, that it is refused, and what it says: %s', async (path, asked, said) => {
  const { page, complaints } = open;
  let answer: () => void = () => {};
  const isAnswered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const pattern = (url: URL) => new RegExp(`^${asked.replace('*', '[^/]+')}$`).test(url.pathname);
  const isAsked = page.waitForRequest((request) => pattern(new URL(request.url())));
  await page.route(pattern, async (route) => {
    await isAnswered;
    await route.fulfill(refusal);
  });
  await page.goto(`${postrider.apiUrl()}${path}`);
  await isAsked;
  // Figures that are not there yet are grey; lists say so.
  if (asked !== '/v1/stats') await page.getByLabel('Loading').first().waitFor();
  expect(await page.getByText(said).count()).toBe(0);
  answer();
  const error = page.getByRole('alert').filter({ hasText: 'Not today' }).first();
  await error.waitFor();
  await page.unroute(pattern);
  await error.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(said).filter({ visible: true }).first().waitFor();
  await error.waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('deliveries are narrowed by each thing that there is a field for, and a link or a way back keeps it', async () => {
  const { page } = open;
  const each = ['first', 'second'].map(async (name) => {
    const type = `${name}.type`;
    const { id } = await postrider.createWebhook({ url: receiver.url, events: [type], description: name });
    const event = await postrider.postEvent({
      type,
      channel: `sms:${name}`,
      data: { text: `the ${name} one` },
    });
    const delivery = await postrider.deliveryIs(event.id, 'succeeded');
    return { name, id, type, event: event.id, delivery: delivery.id };
  });
  const [first, second] = await Promise.all(each);
  if (first === undefined || second === undefined) throw new Error('there are two');
  await postrider.request('POST', `/v1/webhooks/${second.id}/disable`);
  const held = await postrider.postEvent({ type: second.type, data: {} });
  await postrider.deliveryIs(held.id, 'held');
  await page.goto(`${postrider.apiUrl()}/deliveries`);
  const rows = page.getByRole('row').filter({ has: page.getByRole('link') });
  const isNarrowedTo = async (name: string, parameter: string) => {
    await page.waitForURL((url) => url.searchParams.has(parameter));
    await rows.nth(1).waitFor({ state: 'detached' });
    await rows.filter({ hasText: name }).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await rows.nth(2).waitFor();
  };
  await rows.nth(2).waitFor();
  await page.getByLabel('Status').selectOption('held');
  await isNarrowedTo('second', 'status');
  await page.getByLabel('Webhook').selectOption({ label: 'first' });
  await isNarrowedTo('first', 'webhook_id');
  await page.getByLabel('Event type').selectOption(first.type);
  await isNarrowedTo('first', 'type');
  await page.getByLabel('Text in the payload').fill('the second');
  await isNarrowedTo('second', 'q');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByLabel('Channel').fill('sms:first');
  await isNarrowedTo('first', 'channel');
  await page.getByLabel('Event id').fill(second.event);
  await isNarrowedTo('second', 'event_id');
  await page.getByLabel('From').fill('2100-01-01T00:00');
  await page.getByText('No delivery is like that').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByLabel('To', { exact: true }).fill('2000-01-01T00:00');
  await page.getByText('No delivery is like that').waitFor();

  await page.getByRole('button', { name: 'Show all' }).click();
  await rows.nth(2).waitFor();
  // An id that was copied is not looked for in payloads.
  await page.getByLabel('Text in the payload').fill(` ${second.event}`);
  await isNarrowedTo('second', 'event_id');
  await page.getByLabel('Text in the payload').fill(first.delivery);
  await page.getByText('Attempt 1: succeeded').waitFor();
  expect(new URL(page.url()).pathname).toBe(`/deliveries/${first.delivery}`);

  await page.goto(`${postrider.apiUrl()}/events`);
  await rows.nth(2).waitFor();
  await page.getByLabel('Text in the data').fill('the first');
  await isNarrowedTo(first.type, 'q');

  // Opened from a link in another tab, and left by the link at the top of the page.
  await page.goto(`${postrider.apiUrl()}/deliveries?webhook_id=${first.id}&channel=sms:first`);
  await rows.first().getByRole('link').click();
  await page.getByText('Attempt 1: succeeded').waitFor();
  expect(new URL(page.url()).pathname).toBe(`/deliveries/${first.delivery}`);
  await page.getByRole('main').getByRole('link', { name: 'Deliveries' }).click();
  await rows.first().waitFor();
  expect(await rows.count()).toBe(1);
  expect(await page.getByLabel('Webhook').inputValue()).toBe(first.id);
  expect(await page.getByLabel('Channel').inputValue()).toBe('sms:first');
});
