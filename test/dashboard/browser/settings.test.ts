import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../../setup/postrider.ts';
import { type OpenPage, openBrowser, openPage, signIn } from '../open-browser.ts';

let browser: Browser;
let postrider: TestPostrider;
let open: OpenPage;

beforeAll(async () => {
  [browser, postrider] = await Promise.all([openBrowser(), startTestPostrider()]);
  open = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(open.page, postrider.apiUrl(), postrider.key);
});

afterAll(async () => {
  await browser?.close();
  await postrider?.close();
});

const goto = (page: Page, path: string) => page.goto(`${postrider.apiUrl()}${path}`);
const row = (page: Page, hasText: string) => page.getByRole('row').filter({ hasText });

test('a key is made for some things only, copied, seen to be used, and revoked', async () => {
  const { page, complaints } = open;
  await goto(page, '/settings');
  await page.getByRole('button', { name: 'Create key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Campaign server');
  await dialog.getByLabel('webhooks:read').uncheck();
  await dialog.getByLabel('webhooks:write').uncheck();
  await dialog.getByLabel('It ends').selectOption('In 30 days');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  const key = (await dialog.getByTestId('api-key').textContent()) ?? '';
  await dialog.getByRole('button', { name: 'Copy the key' }).click();
  await dialog.getByRole('status').getByText('Copied').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const made = row(page, 'Campaign server');
  await made.getByText('Never').waitFor();
  expect(await made.getByText('events:write').count()).toBe(1);
  expect(await made.getByText('webhooks:read').count()).toBe(0);

  const by = { authorization: `Bearer ${key}` };
  expect((await postrider.request('POST', '/v1/events', { type: 'a.b', data: {} }, by)).status).toBe(202);
  expect((await postrider.request('GET', '/v1/webhooks', undefined, by)).status).toBe(403);
  await made.getByText('just now').nth(1).waitFor();

  await made.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await made.getByText('Revoked').waitFor();
  expect((await postrider.request('POST', '/v1/events', { type: 'a.b', data: {} }, by)).status).toBe(401);

  // The last key that is good for everything stays, and the page says why.
  const own = row(page, 'Admin key');
  await own.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByRole('button', { name: 'Not now' }).click();
  expect(complaints).toEqual([]);
});

test('an event type is described with example and schema, which then holds, and changed', async () => {
  const { page, complaints } = open;
  await goto(page, '/settings/event-types');
  await page.getByRole('button', { name: 'Describe a type' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('order.placed');
  await dialog.getByLabel('Description').fill('Somebody bought something');
  await dialog.getByLabel('JSON Schema').fill('{"type": "object", "required": [');
  await dialog.getByText('This is not a JSON object').waitFor();
  await dialog.getByLabel('JSON Schema').fill('{"type": "object", "required": ["order"]}');
  await dialog.getByLabel('Example data').fill('{"wrong": 1}');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByLabel('Example data').and(page.locator('[aria-invalid=true]')).waitFor();
  await dialog.getByLabel('Example data').fill('{"order": "A-1"}');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  const type = page.locator('details').filter({ hasText: 'order.placed' });
  await type.locator('summary').click();
  await type.getByLabel('Schema', { exact: true }).getByText('required').waitFor();
  const refused = await postrider.request('POST', '/v1/events', { type: 'order.placed', data: {} });
  expect(refused.status).toBeGreaterThanOrEqual(400);

  await type.getByRole('button', { name: 'Edit' }).click();
  await dialog.getByLabel('JSON Schema').fill('');
  await dialog.getByLabel('Description').fill('Somebody bought something nice');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await type.getByText('Somebody bought something nice').waitFor();
  await postrider.postEvent({ type: 'order.placed', data: {} });
  expect(complaints).toEqual([]);
});

test('the account and what it is limited to are shown', async () => {
  const { page } = open;
  const { json } = await postrider.request('GET', '/v1/session');
  await postrider.request('PATCH', `/v1/accounts/${json.account.id}`, { inbox_message_limit: 321 });
  await goto(page, '/settings/account');
  await page.getByRole('heading', { name: 'Limits' }).waitFor();
  for (const text of ['321 messages', '256 KiB', '1,000 events, 8 MiB']) await page.getByText(text).waitFor();
});

test('the audit log tells who did what, as it happens, and can be narrowed to one thing', async () => {
  const { page, complaints } = open;
  await goto(page, '/settings/audit-log');
  await page.getByRole('table', { name: 'Audit log' }).waitFor();
  const { id } = await postrider.createWebhook({ url: 'https://example.com/', events: ['*'] });
  await postrider.request('POST', `/v1/webhooks/${id}/disable`, { reason: 'moved elsewhere' });
  await row(page, 'Webhook disabled').getByText('moved elsewhere').waitFor();
  await row(page, 'Webhook created').getByText('Admin key').waitFor();
  await page.getByLabel('Id of what it was done to').fill(id);
  await row(page, 'Webhook disabled').waitFor();
  await row(page, 'API key').first().waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.get('subject_id')).toBe(id);
  await page.getByLabel('Id of what it was done to').fill('wh_nothing');
  await page.getByText('Nothing was done').waitFor();
  expect(complaints).toEqual([]);
});
