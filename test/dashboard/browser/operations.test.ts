import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fieldOfMoment } from '../../../dashboard/format/time.ts';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { type Receiver, startReceiver } from '../../setup/receiver.ts';
import { waitFor } from '../../setup/wait-for.ts';
import { type OpenPage, openBrowser, openPage, signIn } from '../open-browser.ts';

let browser: Browser;
let postrider: TestPostrider;
let receiver: Receiver;
let open: OpenPage;
let answer = 200;

beforeAll(async () => {
  [browser, postrider, receiver] = await Promise.all([
    openBrowser(),
    startTestPostrider({ TEMPORAL_UI_URL: 'https://temporal.test/' }),
    startReceiver(() => answer),
  ]);
  open = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(open.page, postrider.apiUrl(), postrider.key);
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
  await receiver?.close();
});

let made = 0;
/** A webhook that gets the events of a type of its own. */
async function newWebhook(body: object = {}): Promise<{ id: string; type: string }> {
  const type = `test.kind_${++made}`;
  const webhook = await postrider.createWebhook({
    ...{ url: receiver.url, events: [type], description: `Number ${made}` },
    ...body,
  });
  return { id: webhook.id, type };
}

const goto = (page: Page, path: string) => page.goto(`${postrider.apiUrl()}${path}`);
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const copied = (page: Page) => page.evaluate<string>('navigator.clipboard.readText()');
/** What a webhook's page says beside its name. */
const headed = (page: Page, words: string) =>
  page.getByRole('heading', { level: 1 }).locator('..').getByText(words, { exact: true }).waitFor();
const inDialog = (page: Page) => page.getByRole('dialog');
const gotBodies = (type: string) => receiver.received.filter(({ body }) => body.includes(`"${type}"`)).length;

test('a webhook is edited, with what is wrong told at its field', async () => {
  const { page, complaints } = open;
  const { id } = await newWebhook({ headers: { 'X-Team': 'data' }, channels: ['sms:+1'] });
  await goto(page, `/webhooks/${id}`);
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.getByLabel('URL').fill('ftp://example.com');
  await button(page, 'Save changes').click();
  await page.getByLabel('URL').and(page.locator('[aria-invalid=true]')).waitFor();
  await page.getByLabel('URL').fill('https://example.com/new');
  await page.getByLabel('Description').fill('Renamed');
  await page.getByLabel('message.read').check();
  await page.getByText('Retries and health').click();
  await page.getByLabel('Wait before each attempt').fill('0 s, 5 min');
  await page.getByText('Order', { exact: true }).click();
  await page.getByLabel('Deliveries go out').selectOption('fifo_by');
  await page.getByLabel('Where that value is').fill('data');
  await button(page, 'Save changes').click();
  await page.getByLabel('Where that value is').and(page.locator('[aria-invalid=true]')).waitFor();
  await page.getByLabel('Where that value is').fill('/channel');
  await button(page, 'Save changes').click();
  await page.getByRole('heading', { name: 'Renamed', level: 1 }).waitFor();
  const { json } = await postrider.request('GET', `/v1/webhooks/${id}`);
  expect(json).toMatchObject({
    ...{ url: 'https://example.com/new', description: 'Renamed', channels: ['sms:+1'] },
    retry_schedule: { delays_ms: [0, 300_000] },
    ...{ ordering: { fifo_by: '/channel' }, on_failure: 'skip' },
  });
  expect(json.events).toContain('message.read');
  expect(Object.keys(json.headers)).toEqual(['X-Team']);
  expect(complaints).toEqual([]);
});

test('a webhook without a URL is made, and its page says how many deliveries wait and how they are pulled', async () => {
  const { page, complaints } = open;
  await goto(page, '/webhooks/new');
  await page.getByLabel('Pulled by the receiver').check();
  expect(await page.getByLabel('URL').count()).toBe(0);
  await page.getByLabel('Description').fill('On my laptop');
  await page.getByLabel('message.read').check();
  await button(page, 'Create webhook').click();
  await page.getByRole('link', { name: 'Open the webhook' }).click();
  await page.getByText('Nobody has pulled yet.').waitFor();
  await postrider.postEvent({ type: 'message.read', data: {} });
  await page.getByText('1 delivery waits').waitFor();
  await page.getByRole('link', { name: 'Settings and secret' }).click();
  expect(await button(page, 'Disable').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('the secret is revealed, copied, hidden and rotated; both sign for a while; the code that verifies is copied', async () => {
  const { page, complaints } = open;
  const { id, type } = await newWebhook();
  const secret = async () => (await postrider.request('GET', `/v1/webhooks/${id}/secret`)).json.secret;
  const first = await secret();
  await goto(page, `/webhooks/${id}/settings`);
  const shown = page.getByTestId('secret');
  expect(await shown.textContent()).toContain('•••');
  await button(page, 'Reveal the secret').click();
  await shown.getByText(first).waitFor();
  await button(page, 'Copy the secret').click();
  await page.getByRole('status').getByText('Copied').waitFor();
  expect(await copied(page)).toBe(first);
  await button(page, 'Hide the secret').click();
  await shown.getByText('•••').waitFor();

  await button(page, 'Rotate').click();
  await inDialog(page).getByLabel('The secret of today').selectOption('For one hour');
  await button(page, 'Make a new secret').click();
  await inDialog(page).getByText('From now on requests are signed with it').waitFor();
  await inDialog(page).getByRole('button', { name: 'Copy the secret' }).click();
  await waitFor(
    async () => ((await copied(page)) === first ? undefined : true),
    'the new secret to be copied',
  );
  const second = await secret();
  expect(await copied(page)).toBe(second);
  await inDialog(page).getByRole('button', { name: 'Done' }).click();
  const event = await postrider.postEvent({ type, data: {} });
  await postrider.deliveryIs(event.id, 'succeeded');
  const request = receiver.received.find(({ body }) => body.includes(event.id));
  expect(`${request?.headers['webhook-signature']}`.split(' ')).toHaveLength(2);

  for (const [language, mark] of [
    ['Node', 'timingSafeEqual'],
    ['Python', 'hmac.compare_digest'],
    ['Go', 'hmac.Equal'],
  ] as const) {
    await page.getByRole('radio', { name: language, exact: true }).check();
    await page.getByLabel('Verification code', { exact: true }).getByText(mark).waitFor();
    await button(page, 'Copy verification code').click();
    await waitFor(
      async () => ((await copied(page)).includes(mark) ? true : undefined),
      `${language} to be copied`,
    );
  }
  expect(complaints).toEqual([]);
});

test('where the browser gives no clipboard, as by plain http, text is copied all the same, in a dialog too', async () => {
  const { id } = await newWebhook();
  const page = await open.context.newPage();
  await page.addInitScript(`
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.addEventListener('copy', () => { window.copied = String(document.activeElement.value); });
  `);
  await goto(page, `/webhooks/${id}/settings`);
  await button(page, 'Copy the webhook’s id').click();
  await page.getByRole('status').getByText('Copied').waitFor();
  expect(await page.evaluate('window.copied')).toBe(id);
  await button(page, 'Rotate').click();
  await button(page, 'Make a new secret').click();
  const copy = inDialog(page).getByRole('button', { name: 'Copy the secret' });
  await copy.click();
  await inDialog(page).getByRole('status').getByText('Copied').waitFor();
  const { json } = await postrider.request('GET', `/v1/webhooks/${id}/secret`);
  expect(await page.evaluate('window.copied')).toBe(json.secret);
  // Nothing of it stays, and the keyboard is where it was.
  expect(await page.locator('textarea').count()).toBe(0);
  expect(await copy.and(page.locator(':focus')).count()).toBe(1);
  await page.close();
});

test('an endpoint is disabled by hand; what was held is discarded on re-enabling, and recovered after all', async () => {
  const { page, complaints } = open;
  const { id, type } = await newWebhook();
  await goto(page, `/webhooks/${id}/settings`);
  await button(page, 'Disable').click();
  await inDialog(page).getByRole('button', { name: 'Disable' }).click();
  await headed(page, 'Disabled');
  const event = await postrider.postEvent({ type, data: {} });
  const { id: delivery } = await postrider.deliveryIs(event.id, 'held');

  await goto(page, `/webhooks/${id}`);
  await page.getByRole('main').getByText('1 delivery is held for it').waitFor();
  await button(page, 'Re-enable').click();
  await inDialog(page).getByLabel('Discard them').check();
  await inDialog(page).getByRole('button', { name: 'Re-enable' }).click();
  await headed(page, 'Healthy');
  await page.getByRole('row').filter({ hasText: 'Cancelled' }).waitFor();
  expect(gotBodies(type)).toBe(0);

  await page.getByRole('link', { name: 'Settings and secret' }).click();
  await button(page, 'Recover since …').click();
  await inDialog(page).getByLabel('Which').selectOption('cancelled');
  await inDialog(page).getByRole('button', { name: 'Recover' }).click();
  await inDialog(page).waitFor({ state: 'hidden' });
  await goto(page, `/deliveries/${delivery}`);
  await headed(page, 'Succeeded');
  const { workflow_id } = (await postrider.request('GET', `/v1/deliveries/${delivery}`)).json;
  expect(await page.getByRole('link', { name: 'Open in Temporal' }).getAttribute('href')).toBe(
    `https://temporal.test/namespaces/default/workflows/${encodeURIComponent(workflow_id)}`,
  );
  expect(gotBodies(type)).toBe(1);
  expect(complaints).toEqual([]);
});

test('what failed since a time is sent again, and a time that is none is not taken', async () => {
  const { page, complaints } = open;
  const { id, type } = await newWebhook({ retry_schedule: { delays_ms: [0] } });
  answer = 500;
  const events = await Promise.all([1, 2, 3].map(() => postrider.postEvent({ type, data: {} })));
  for (const event of events) await postrider.deliveryIs(event.id, 'failed');
  answer = 200;
  await goto(page, `/webhooks/${id}/settings`);
  await button(page, 'Recover since …').click();
  const confirm = inDialog(page).getByRole('button', { name: 'Recover' });
  await inDialog(page).getByLabel('Ended since').fill('');
  expect(await confirm.isDisabled()).toBe(true);
  await inDialog(page).getByLabel('Ended since').fill('2020-01-01T00:00');
  await inDialog(page).getByLabel('Until').fill('2019-01-01T00:00');
  await confirm.click();
  await inDialog(page).getByRole('alert').waitFor();
  await inDialog(page).getByLabel('Until').fill('');
  await confirm.click();
  await inDialog(page).waitFor({ state: 'hidden' });
  await page.getByRole('link', { name: 'Deliveries', exact: true }).last().click();
  await page.getByRole('row').filter({ hasText: 'Succeeded' }).nth(2).waitFor();
  expect(gotBodies(type)).toBe(6);
  expect(complaints).toEqual([]);
});

test('“Failing now” on the overview leads to what it counts', async () => {
  const { page, complaints } = open;
  const { type } = await newWebhook({ retry_schedule: { delays_ms: [0, 86_400_000] } });
  answer = 500;
  const event = await postrider.postEvent({ type, data: {} });
  await goto(page, '/');
  await page.getByRole('link', { name: /Failing now 1 / }).click();
  await page.getByRole('row').filter({ hasText: 'Retrying' }).filter({ hasText: type }).waitFor();
  expect(
    await page
      .getByRole('row')
      .filter({ has: page.getByRole('link') })
      .count(),
  ).toBe(1);
  expect(await page.getByLabel('Status').inputValue()).toBe('failing');
  // A link may say what the fields do not offer.
  await goto(
    page,
    '/deliveries?status=failing,held&type=test.unknown&webhook_id=wh_00000000000000000000000001',
  );
  await page.getByText('No delivery is like that').waitFor();
  expect(await page.getByLabel('Status').inputValue()).toBe('failing,held');
  expect(await page.getByLabel('Event type').inputValue()).toBe('test.unknown');
  expect(await page.getByLabel('Webhook').inputValue()).toBe('wh_00000000000000000000000001');
  answer = 200;
  const { id } = await postrider.deliveryIs(event.id, 'pending');
  await postrider.request('POST', `/v1/deliveries/${id}/cancel`);
  expect(complaints).toEqual([]);
});

test('a webhook is deleted when one means it', async () => {
  const { page, complaints } = open;
  const { id } = await newWebhook({ description: 'Superfluous' });
  await goto(page, `/webhooks/${id}/settings`);
  await button(page, 'Delete').click();
  await inDialog(page).getByRole('button', { name: 'Not now' }).click();
  expect((await postrider.request('GET', `/v1/webhooks/${id}`)).status).toBe(200);
  await button(page, 'Delete').click();
  await inDialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor();
  await page.getByText('The webhook is deleted').waitFor();
  await page.getByRole('row').filter({ hasText: 'Superfluous' }).waitFor({ state: 'detached' });
  expect((await postrider.request('GET', `/v1/webhooks/${id}`)).status).toBe(404);
  await goto(page, `/webhooks/${id}`);
  await page.getByRole('alert').getByText('There is no such webhook').waitFor();
  expect(complaints).toEqual([]);
});

test('an event is sent again to one webhook, and to all', async () => {
  const { page, complaints } = open;
  const { type } = await newWebhook({ description: 'The first' });
  const other = await startReceiver();
  await postrider.createWebhook({ url: other.url, events: [type], description: 'The second' });
  const event = await postrider.postEvent({ type, data: {} });
  await other.gets(1);
  await goto(page, `/events/${event.id}`);
  await page.getByRole('row').filter({ hasText: 'The second' }).waitFor();
  await button(page, 'Send again').click();
  await inDialog(page).getByLabel('To').selectOption({ label: 'The second' });
  await inDialog(page).getByRole('button', { name: 'Send again' }).click();
  await other.gets(2);
  await page.getByRole('row').filter({ hasText: 'The second' }).getByText('2 attempts').waitFor();
  expect(gotBodies(type)).toBe(1);
  await button(page, 'Send again').click();
  await inDialog(page).getByRole('button', { name: 'Send again' }).click();
  await other.gets(3);
  await page.getByRole('row').filter({ hasText: 'The first' }).getByText('2 attempts').waitFor();
  expect(gotBodies(type)).toBe(2);
  await other.close();
  expect(complaints).toEqual([]);
});

test('an event is posted for later, listed, changed and sent now; another is cancelled', async () => {
  const { page, complaints } = open;
  const { type } = await newWebhook();
  const later = new Date(Date.now() + 7_200_000).toISOString();
  await goto(page, '/events');
  await button(page, 'Post event').click();
  await inDialog(page).getByLabel('Event type').fill(type);
  await inDialog(page).getByLabel('Goes out').fill('2020-01-01T10:00');
  const post = inDialog(page).getByRole('button', { name: 'Post event', exact: true });
  await post.click();
  await page.getByLabel('Goes out').and(page.locator('[aria-invalid=true]')).waitFor();
  await inDialog(page).getByLabel('Goes out').fill(fieldOfMoment(later));
  await post.click();
  await page.getByText('It has not gone out yet').waitFor();

  await button(page, 'Change').click();
  await inDialog(page).getByLabel('Data').fill('{"changed": 1}');
  await inDialog(page).getByLabel('Expires').fill('2020-01-01T10:00');
  await button(page, 'Change event').click();
  await page.getByLabel('Expires').and(page.locator('[aria-invalid=true]')).waitFor();
  await inDialog(page).getByLabel('Expires').fill('');
  await button(page, 'Change event').click();
  await page.getByLabel('Event data').getByText('changed').waitFor();

  await goto(page, '/events');
  await page.getByLabel('Status').selectOption('Scheduled');
  await page.getByRole('link', { name: type }).click();
  await button(page, 'Send now').click();
  await page.getByText('Succeeded').first().waitFor();
  expect(gotBodies(type)).toBe(1);

  const other = await postrider.postEvent({ type, data: {}, deliver_at: later });
  await goto(page, `/events/${other.id}`);
  await button(page, 'Cancel event').click();
  await inDialog(page).getByRole('button', { name: 'Cancel event', exact: true }).click();
  await page.getByText('It was cancelled before it went out.').waitFor();
  await headed(page, 'Cancelled');
  expect(await button(page, 'Send again').count()).toBe(0);
  expect(gotBodies(type)).toBe(1);
  expect(complaints).toEqual([]);
});
