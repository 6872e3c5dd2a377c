import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientCertificate, pem } from '../../certificates/read.ts';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { type Receiver, startReceiver } from '../../setup/receiver.ts';
import { openBrowser, openPage, signIn } from '../open-browser.ts';

/** How long a change is waited for, in ms, on a machine that is otherwise busy; live.test.ts has how long it may take. */
const seenWithinMs = 8_000;

let browser: Browser;
let postrider: TestPostrider;
let receiver: Receiver;
let answer = 200;

beforeAll(async () => {
  [browser, postrider, receiver] = await Promise.all([
    openBrowser(),
    // Retries after 0.6 s, 2.4 s, …
    startTestPostrider({ SCHEDULE_SCALE: '0.02' }),
    startReceiver(() => ({ status: answer, body: answer === 200 ? 'thanks' : 'out of order' })),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
  await receiver?.close();
});

const main = (page: Page) => page.getByRole('main');
const sees = (page: Page, text: string | RegExp) =>
  main(page).getByText(text).first().waitFor({ timeout: seenWithinMs });

test('nobody sees anything without a key, and a wrong key is told', async () => {
  const { page, context } = await openPage(browser);
  await page.goto(`${postrider.apiUrl()}/deliveries`);
  await page.getByLabel('API key').fill('pk_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  expect(await page.getByRole('alert').textContent()).toContain('not known');
  await page.getByLabel('API key').fill(postrider.key);
  await page.keyboard.press('Enter');
  // One gets to where one wanted to go.
  await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();

  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ name: 'postrider_session', httpOnly: true, sameSite: 'Strict' });
  expect(await page.evaluate('JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).not.toContain(
    postrider.key,
  );
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.getByLabel('API key').waitFor();
  await context.close();
});

test('the first page loads less than 250 KB of compressed script, all of it its own', async () => {
  const { page, context, complaints } = await openPage(browser);
  const sizes: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    expect(request.url().startsWith(postrider.apiUrl())).toBe(true);
    if (request.resourceType() === 'script')
      sizes.push(request.sizes().then((size) => size.responseBodySize));
  });
  await signIn(page, postrider.apiUrl(), postrider.key);
  await main(page).getByRole('heading', { name: 'Overview' }).waitFor();
  await page.waitForLoadState('load');
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  process.stdout.write(`compressed script of the first page: ${(bytes / 1_000).toFixed()} KB\n`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(250_000);
  expect(complaints).toEqual([]);
  await context.close();
});

test('OAuth 2 and a client certificate: what is wrong stands at its field, and what is secret is not shown again', async () => {
  const { page, context, complaints } = await openPage(browser);
  const { id } = await postrider.createWebhook({ url: 'https://receiver.test/hook', events: ['*'] });
  await signIn(page, postrider.apiUrl(), postrider.key);
  const edit = async () => {
    await page.goto(`${postrider.apiUrl()}/webhooks/${id}/edit`);
    await page.getByText('Authentication and headers').click();
    await page.getByText('Client certificate (mTLS)').click();
  };
  const save = () => page.getByRole('button', { name: 'Save changes' }).click();
  await edit();
  await page.getByLabel('Authentication').selectOption('oauth2');
  await page.getByLabel('Token URL').fill('http://login.test/token');
  await page.getByLabel('Client id').fill('postrider');
  await page.getByLabel('Client secret').fill('s3cret');
  await page.getByLabel('Certificate', { exact: false }).first().fill(clientCertificate.certificate);
  await page.getByLabel('Private key').fill(pem('stranger-key'));
  await save();
  await sees(page, 'only https:// URLs');
  await sees(page, 'does not belong to the certificate');
  await page.getByLabel('Token URL').fill('https://login.test/token');
  await page.getByLabel('Private key').fill(clientCertificate.private_key);
  await save();
  await page.getByRole('link', { name: 'Settings and secret' }).click();
  await sees(page, 'OAuth 2, as postrider at login.test');
  await sees(page, /O=Tests, CN=postrider/);
  await sees(page, /2126-/);
  await edit();
  expect(await page.getByLabel('Client secret').inputValue()).toBe('•••');
  expect(await page.getByLabel('Private key').inputValue()).toBe('•••');
  await page.getByLabel('Description').fill('Guarded');
  await save();
  await page.getByRole('heading', { name: 'Guarded', level: 1 }).waitFor();
  expect((await postrider.request('GET', `/v1/webhooks/${id}`)).json).toMatchObject({
    auth: { client_secret: '•••' },
    client_certificate: { private_key: '•••' },
  });
  await postrider.request('DELETE', `/v1/webhooks/${id}`);
  expect(complaints).toEqual([]);
  await context.close();
});

test('a filter and a transformation are tried, as they are typed, on an event that was posted', async () => {
  const type = 'order.paid';
  await postrider.postEvent({ type, data: { amount: 120 } });
  const { page, context, complaints } = await openPage(browser);
  await signIn(page, postrider.apiUrl(), postrider.key);
  await page.goto(`${postrider.apiUrl()}/webhooks/new`);
  await page.getByText('Filter and transformation').click();
  const event = page.getByLabel('Try them on an event');
  await event.getByText(type).first().waitFor({ state: 'attached' });
  await event.selectOption({ index: 1 });
  await page.getByLabel('Filter').fill('data.amount > ');
  await sees(page, 'At character 14: Unexpected end of expression (S0207)');
  await page.getByLabel('Filter').fill('data.amount > 200');
  await sees(page, 'Nothing: the filter keeps it back.');
  await page.getByLabel('Filter').fill('data.amount > 100');
  await sees(page, 'Passes the filter');
  await page.getByLabel('Transformation').fill('{"paid": data.amount}');
  await main(page).getByLabel('What is sent').getByText('"paid"').waitFor();
  await main(page).getByLabel('The event').getByText('"created_at"').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a webhook’s life: made by the form, delivered to, failing, disabled, re-enabled, and what was held goes out', async () => {
  const { page, context, complaints } = await openPage(browser);
  await signIn(page, postrider.apiUrl(), postrider.key);

  // Made by the form, with what is missing told first.
  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByRole('link', { name: 'Create webhook' }).first().click();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await sees(page, 'Where are events to be sent?');
  await page.getByLabel('URL').fill(receiver.url);
  await page.getByLabel('Description').fill('Orders');
  // The example request is the one that the profile makes of it.
  const example = main(page).getByLabel('Example body');
  await page.getByRole('radio', { name: /^standard\b/ }).check();
  await example.getByText('"timestamp"').waitFor();
  await page.getByRole('radio', { name: /^inbox\b(?!-)/ }).check();
  await example.getByText('"created_at"').waitFor();
  await main(page).getByText(receiver.url, { exact: true }).waitFor();
  await page.getByLabel('message.delivered').check();
  await page.getByLabel('message.read').check();
  await page.getByText('Retries and health').click();
  await page.getByLabel('Disable after so many in a row').fill('3');
  await page.getByLabel('What counts').selectOption('attempts');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByRole('heading', { name: 'The webhook is created' }).waitFor();
  const secret = await page.getByTestId('secret').textContent();
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole('link', { name: 'Open the webhook' }).click();
  await page.getByRole('heading', { name: 'Orders', level: 1 }).waitFor();
  const webhookPage = page.url();

  // The secret is there to be seen again.
  await page.getByRole('link', { name: 'Settings and secret' }).click();
  await page.getByRole('button', { name: 'Reveal the secret' }).click();
  await page
    .getByTestId('secret')
    .getByText(secret ?? '')
    .waitFor();

  // A test event arrives, and the page shows how.
  await page.getByRole('button', { name: 'Send test event' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await dialog.getByText('succeeded with 200').waitFor();
  await dialog.getByLabel('Response body').getByText('thanks').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });

  // An event that comes while one looks is seen without reload, its failure and its retry as well.
  answer = 500;
  await page.goto(`${postrider.apiUrl()}/deliveries`);
  const first = await postrider.postEvent({ type: 'message.delivered', data: { message_id: 'msg_first' } });
  const row = page
    .getByRole('row')
    .filter({ hasText: 'message.delivered' })
    .filter({ hasText: 'Answered 500' });
  await row.first().waitFor({ timeout: seenWithinMs });
  await page.goto(`${postrider.apiUrl()}/events/${first.id}`);
  await page.getByRole('row').getByRole('link').first().click();
  await sees(page, /Attempt 1: answered 500/);
  await sees(page, /Attempt 2: answered 500/);

  // Disabled after three: the page says why, and what comes now is held.
  await page.goto(webhookPage);
  await sees(page, 'This endpoint is disabled');
  const held = await postrider.postEvent({ type: 'message.read', data: { message_id: 'msg_held' } });
  await page.goto(`${postrider.apiUrl()}/deliveries?event_id=${held.id}`);
  await page.getByRole('row').filter({ hasText: 'Held' }).waitFor();

  // Re-enabled, with what becomes of what is held.
  answer = 200;
  const before = receiver.received.length;
  await page.goto(webhookPage);
  await sees(page, /deliver(y is|ies are) held for it/);
  await page.getByRole('button', { name: 'Re-enable' }).click();
  await dialog.getByLabel('Deliver them').check();
  await dialog.getByLabel('Reason').fill('the receiver is repaired');
  await dialog.getByRole('button', { name: 'Re-enable' }).click();
  await page
    .getByRole('heading', { level: 1 })
    .locator('..')
    .getByText('Healthy')
    .waitFor({ timeout: seenWithinMs });
  await postrider.deliveryIs(held.id, 'succeeded');
  expect(receiver.received.length).toBeGreaterThan(before);
  await page.goto(`${postrider.apiUrl()}/deliveries?event_id=${held.id}`);
  await page.getByRole('row').filter({ hasText: 'Succeeded' }).waitFor();

  // Back is where one was.
  await page.goBack();
  await page.getByRole('heading', { name: 'Orders', level: 1 }).waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('a delivery is retried and cancelled, an event posted and sent again, by hand', async () => {
  const { page, context, complaints } = await openPage(browser);
  answer = 200;
  await postrider.createWebhook({ url: receiver.url, events: ['order.*'], description: 'By hand' });
  await signIn(page, postrider.apiUrl(), postrider.key);

  await page.goto(`${postrider.apiUrl()}/events`);
  await page.getByRole('button', { name: 'Post event' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Event type').fill('order.placed');
  await dialog.getByLabel('Data').fill('[1]');
  await dialog.getByRole('button', { name: 'Post event' }).click();
  await dialog.getByText('This is not a JSON object').waitFor();
  await dialog.getByLabel('Data').fill('{"order": "A-123"}');
  await dialog.getByRole('button', { name: 'Post event' }).click();
  await page.getByRole('heading', { name: 'order.placed', level: 1 }).waitFor();
  const delivered = page.getByRole('row').filter({ hasText: 'Succeeded' });
  await delivered.waitFor({ timeout: seenWithinMs });

  await delivered.getByRole('link').click();
  await sees(page, /Attempt 1: succeeded with 200/);
  await page.getByRole('button', { name: 'Retry now' }).click();
  await sees(page, /Attempt 2: succeeded with 200/);

  answer = 500;
  const waiting = await postrider.postEvent({ type: 'order.changed', data: {} });
  const { id } = await postrider.deliveryIs(waiting.id, 'pending');
  await page.goto(`${postrider.apiUrl()}/deliveries/${id}`);
  await page.getByRole('button', { name: 'Cancel delivery' }).click();
  await dialog.getByRole('button', { name: 'Cancel delivery' }).click();
  await page.getByRole('heading', { level: 1 }).locator('..').getByText('Cancelled').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});
