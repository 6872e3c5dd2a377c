import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { clientCertificate, pem } from '../certificates/read.ts';
import { type Example, startExample } from './example.ts';
import { openBrowser, openPage, signIn } from './open-browser.ts';

/** Not a test: `npm run screenshots` runs it to make pictures of every page. */
const folder = process.env.SCREENSHOTS ?? 'docs/images';
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  narrow: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
} as const;

let browser: Browser;
let example: Example;
/** Webhooks with what few have, by the names of their pictures. */
let special: Record<string, string>;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  [browser, example] = await Promise.all([openBrowser(), startExample()]);
  const { createWebhook } = example.postrider;
  const guarded = await createWebhook({
    url: 'https://orders.acme.example/webhooks',
    description: 'Orders, in their order',
    events: ['order.*'],
    filter: 'data.amount > 100',
    transformation: '$merge([$body, {"source": "postrider"}])',
    auth: {
      ...{ type: 'oauth2', token_url: 'https://login.acme.example/oauth2/token' },
      ...{ client_id: 'postrider', client_secret: 's3cret', scope: 'events:write' },
    },
    client_certificate: clientCertificate,
    server_ca: pem('ca'),
    ordering: { fifo_by: '/data/conversation_id' },
    on_failure: 'block',
  });
  const pulled = await createWebhook({ url: null, description: 'On my machine', events: ['order.*'] });
  await example.postrider.postEvent({
    type: 'order.paid',
    data: { conversation_id: 'c-17', amount: 120, currency: 'EUR', customer: { name: 'Ada' } },
  });
  special = { 'webhook-guarded': guarded.id, 'webhook-pulled': pulled.id };
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await example?.close();
});

test.each(Object.entries(looks))('%s', { timeout: 120_000 }, async (look, options) => {
  const { page, context } = await openPage(browser, {
    ...options,
    deviceScaleFactor: 1,
  });
  await page.goto(example.url);
  await page.getByLabel('API key').waitFor();
  await picture(page, `sign-in-${look}`);
  await signIn(page, example.url, example.key);
  for (const [name, path] of Object.entries(example.pages)) {
    await page.goto(`${example.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByLabel('Loading').waitFor({ state: 'hidden' });
    await picture(page, `${name}-${look}`);
  }
  for (const [name, id] of Object.entries(special)) {
    for (const [part, path] of [
      ['', ''],
      ['-settings', '/settings'],
      ['-edit', '/edit'],
    ]) {
      await page.goto(`${example.url}/webhooks/${id}${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByLabel('Loading').waitFor({ state: 'hidden' });
      await openAll(page);
      await picture(page, `${name}${part}-${look}`, { fullPage: true });
    }
  }
  await context.close();
});

test.each(Object.entries(looks))('form, %s', { timeout: 120_000 }, async (look, options) => {
  const { page, context } = await openPage(browser, { ...options, deviceScaleFactor: 1 });
  await signIn(page, example.url, example.key);
  await page.goto(`${example.url}/webhooks/new`);
  await fillForm(page);
  await picture(page, `webhook-form-${look}`, { fullPage: true });
  await context.close();
});

/** The form of a webhook with all its parts open, and something wrong with most of them. */
async function fillForm(page: Page): Promise<void> {
  await page.getByLabel('URL', { exact: true }).fill('https://receiver.acme.example/hook');
  await page.getByLabel('message.delivered').first().check();
  await openAll(page);
  await page.getByLabel('Filter').fill('data.amount > 100');
  await page
    .getByLabel('Transformation')
    .fill('$merge([$body, {"total": data.amount * data.nothing.(1 + "x")}])');
  const trial = page.getByLabel('Try them on an event');
  await trial.selectOption({ index: 1 });
  await page.getByLabel('Deliveries go out').selectOption('fifo_by');
  await page.getByLabel('Where that value is').fill('/data/conversation_id');
  await page.getByLabel('Authentication', { exact: true }).selectOption('oauth2');
  await page.getByLabel('Token URL').fill('http://login.acme.example/token');
  await page.getByLabel('Client id').fill('postrider');
  await page.getByLabel('Client secret').fill('s3cret');
  await page.getByLabel('Certificate (optional)', { exact: true }).fill(pem('expired'));
  await page.getByLabel('Private key').fill(pem('expired-key'));
  await page.getByLabel('Authorities of the receiver').fill('none');
  await page.getByRole('button', { name: /create/i }).click();
  await page.locator('[aria-invalid="true"]').first().waitFor();
}

async function openAll(page: Page): Promise<void> {
  await page.evaluate('for (const one of document.querySelectorAll("form details")) one.open = true');
}

async function picture(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  await page.evaluate('document.fonts.ready.then(() => true)');
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.png`), ...options });
}
