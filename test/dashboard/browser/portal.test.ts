import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { openBrowser, openPage, signIn } from '../open-browser.ts';

let browser: Browser;
let postrider: TestPostrider;

beforeAll(async () => {
  [browser, postrider] = await Promise.all([openBrowser(), startTestPostrider()]);
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
});

test('a portal link, made on the page, shows one account only, and changes nothing when it is read only', async () => {
  const { json: customer } = await postrider.request('POST', '/v1/accounts', { name: 'Customer GmbH' });
  const asCustomer = { authorization: `Bearer ${customer.api_key}` };
  const url = 'https://example.com/hooks';
  await postrider.createWebhook({ url, events: ['*'], description: 'The platform’s own' });
  const theirs = await postrider.request(
    'POST',
    '/v1/webhooks',
    { url, events: ['*'], description: 'The customer’s' },
    asCustomer,
  );
  expect(theirs.status).toBe(201);
  const schema = { type: 'object', required: ['order'] };
  const described = { description: 'Somebody bought something', schema };
  await postrider.request('PUT', '/v1/event-types/order.placed', described, asCustomer);

  const admin = await openPage(browser);
  await signIn(admin.page, postrider.apiUrl(), postrider.key);
  await admin.page.goto(`${postrider.apiUrl()}/settings/account`);
  await admin.page.getByLabel('Account', { exact: true }).selectOption({ label: 'Customer GmbH' });
  await admin.page.getByRole('button', { name: 'Create link' }).click();
  const link = await admin.page.getByTestId('portal-link').textContent();

  const { page, context, complaints } = await openPage(browser);
  // It says that nothing is opened only when that is so.
  const isBusy = { status: 503, contentType: 'application/problem+json', body: '{}' };
  await page.route(
    '**/v1/session',
    (route) => (route.request().method() === 'POST' ? route.fulfill(isBusy) : route.fallback()),
    { times: 2 },
  );
  await page.goto(link ?? '');
  await page.getByText('You see the webhooks of Customer GmbH').waitFor();
  expect(page.url()).toBe(`${postrider.apiUrl()}/`);
  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByRole('row').filter({ hasText: 'The customer’s' }).waitFor();
  expect(await page.getByText('The platform’s own').count()).toBe(0);
  expect(await page.getByRole('link', { name: 'Create webhook' }).count()).toBe(0);
  expect(await page.getByRole('link', { name: 'Settings' }).count()).toBe(0);

  await page.getByRole('link', { name: 'The customer’s' }).click();
  await page.getByRole('heading', { name: 'The customer’s', level: 1 }).waitFor();
  expect(await page.getByRole('button', { name: 'Send test event' }).count()).toBe(0);
  // What events there are, with their schemas, and nothing of the platform's settings.
  await page.getByRole('link', { name: 'Event types' }).click();
  const type = page.locator('details').filter({ hasText: 'order.placed' });
  await type.locator('summary').click();
  await type.getByLabel('Schema', { exact: true }).getByText('required').waitFor();
  expect(await page.getByRole('button', { name: /Describe|Edit/ }).count()).toBe(0);
  await page.goto(`${postrider.apiUrl()}/settings`);
  await page.getByRole('heading', { name: 'Not found', level: 1 }).waitFor();
  // Not only hidden: refused.
  const refused = await page.evaluate(`
    fetch('/v1/webhooks/${theirs.json.id}', {
      method: 'DELETE', headers: { 'x-postrider-request': 'dashboard' },
    }).then((response) => response.json())
  `);
  expect(refused).toMatchObject({ status: 403, code: 'read_only' });
  expect(complaints).toEqual([]);
  await context.close();
  await admin.context.close();
});

test('a link that is no longer good says so', async () => {
  const { page, context } = await openPage(browser);
  await page.goto(`${postrider.apiUrl()}/portal#portal_nothing`);
  await page.getByRole('heading', { name: 'This link opens nothing' }).waitFor();
  await page.goto(`${postrider.apiUrl()}/portal`);
  await page.getByText('something of it is missing').waitFor();
  await context.close();
});
