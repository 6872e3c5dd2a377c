import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReceiver } from '../../setup/receiver.ts';
import { type Example, startExample } from '../example.ts';
import { openBrowser, openPage, signIn } from '../open-browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const looks = {
  light: { colorScheme: 'light', width: 1280 },
  dark: { colorScheme: 'dark', width: 1280 },
  'dark and narrow': { colorScheme: 'dark', width: 390 },
  narrow: { colorScheme: 'light', width: 390 },
} as const;
const everyLook = Object.keys(looks) as Look[];

/** Colours change at once: half-way they would be neither the ones nor the others. */
const still = { reducedMotion: 'reduce' } as const;

let browser: Browser;
let example: Example;

beforeAll(async () => {
  [browser, example] = await Promise.all([openBrowser(), startExample()]);
});

afterAll(async () => {
  await browser?.close();
  await example?.close();
});

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${example.url}${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByLabel('Loading').first().waitFor({ state: 'hidden' });
}

/** What breaks WCAG 2.1 AA on the page, in words. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
  }>(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

type Look = keyof typeof looks;

/** Whether what is open keeps WCAG AA and fits the window. */
async function isFineIn(page: Page, what: string, ...wanted: Look[]): Promise<void> {
  for (const look of wanted) {
    const { colorScheme, width } = looks[look];
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 860 });
    expect(await violations(page), `${what}, ${look}`).toEqual([]);
    const scrolled = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(scrolled, `${what}, ${look}`).toBeLessThanOrEqual(width);
  }
}

test('every page keeps WCAG AA and fits its window, light and dark, wide and narrow', {
  timeout: 120_000,
}, async () => {
  const { page, context, complaints } = await openPage(browser, still);
  await page.goto(example.url);
  await page.getByLabel('API key').waitFor();
  await isFineIn(page, 'sign in', ...everyLook);
  await page.setViewportSize({ width: 1280, height: 860 });
  await signIn(page, example.url, example.key);
  for (const path of [...Object.values(example.pages), '/nothing-here']) {
    await open(page, path);
    await isFineIn(page, path, ...everyLook);
  }
  expect(complaints).toEqual([]);
  await context.close();
});

test('dialogs do so too, close on Escape and give the focus back', { timeout: 120_000 }, async () => {
  const { page, context, complaints } = await openPage(browser, still);
  await signIn(page, example.url, example.key);
  const dialogs: [string, string][] = [
    ['/events', 'Post event'],
    [example.pages.event, 'Send again'],
    [example.pages.delivery, 'Cancel delivery'],
    [example.pages['webhook-disabled'], 'Re-enable'],
    [example.pages.webhook, 'Send test event'],
    [`${example.pages.webhook}/settings`, 'Disable'],
    [example.pages['webhook-settings'], 'Recover since …'],
    [example.pages['webhook-settings'], 'Rotate'],
    [example.pages['webhook-settings'], 'Delete'],
    ['/settings', 'Create key'],
    ['/settings', 'Revoke Admin key'],
    ['/settings/event-types', 'Describe a type'],
  ];
  for (const [path, name] of dialogs) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await open(page, path);
    const button = page.getByRole('button', { name, exact: true }).first();
    await button.click();
    await page.getByRole('dialog').waitFor();
    await isFineIn(page, name, 'light', 'dark and narrow');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await button.and(page.locator(':focus')).count(), name).toBe(1);
  }
  expect(complaints).toEqual([]);
  await context.close();
});

/** Presses Tab until it has the focus. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  const focused = wanted.and(page.locator(':focus'));
  await wanted.first().waitFor();
  for (let presses = 0; presses < 80; presses++) {
    if ((await focused.count()) === 1) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${wanted}`);
}

test('the keyboard alone makes a webhook, tests it, disables it and enables it again', async () => {
  const { page, context, complaints } = await openPage(browser);
  const press = async (role: 'link' | 'button', name: string | RegExp) => {
    await tabTo(page, page.getByRole(role, { name, exact: true }));
    await page.keyboard.press('Enter');
  };
  const headed = (words: string) =>
    page.getByRole('heading', { level: 1 }).locator('..').getByText(words, { exact: true }).waitFor();
  await page.goto(`${example.url}/webhooks`);
  await tabTo(page, page.getByLabel('API key'));
  await page.keyboard.type(example.key);
  await page.keyboard.press('Enter');
  await press('link', 'Create webhook');
  await tabTo(page, page.getByLabel('URL'));
  await page.keyboard.type(example.wellUrl);
  await tabTo(page, page.getByLabel('Description'));
  await page.keyboard.type('By keyboard');
  await tabTo(page, page.getByLabel('message.received'));
  await page.keyboard.press('Space');
  await press('button', 'Create webhook');
  await press('link', 'Open the webhook');
  await press('button', 'Send test event');
  const dialog = page.getByRole('dialog');
  await press('button', 'Send');
  await dialog.getByText('succeeded with 200').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await press('link', 'Settings and secret');
  await press('button', 'Disable');
  await tabTo(page, dialog.getByRole('button', { name: 'Disable' }));
  await page.keyboard.press('Enter');
  await headed('Disabled');
  await press('button', 'Re-enable');
  await tabTo(page, dialog.getByLabel('Deliver them'));
  await page.keyboard.press('ArrowDown');
  expect(await dialog.getByLabel('Discard them').isChecked()).toBe(true);
  await tabTo(page, dialog.getByRole('button', { name: 'Re-enable' }));
  await page.keyboard.press('Enter');
  await headed('Healthy');
  expect(complaints).toEqual([]);
  await context.close();
});

test('the keyboard alone gets to a delivery and back', async () => {
  const { page, context } = await openPage(browser);
  await signIn(page, example.url, example.key);
  await open(page, '/deliveries');
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Skip to content' }).press('Enter');
  const first = page.getByRole('row').getByRole('link').first();
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab');
    if ((await first.and(page.locator(':focus')).count()) === 1) break;
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Deliveries', level: 1 }).waitFor();
  await context.close();
});

test('whatever is stored is shown as text', async () => {
  const { postrider } = example;
  const attack = `<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>{{7*7}}`;
  const store = async (method: string, path: string, body: object) => {
    const { status, json } = await postrider.request(method, path, body);
    expect(status, JSON.stringify(json)).toBeLessThan(300);
    return json;
  };
  const hostile = await startReceiver(() => ({
    status: 500,
    headers: { 'content-type': 'text/html', 'x-attack': attack },
    body: `<!doctype html>${attack}`,
  }));
  const webhook = await store('POST', '/v1/webhooks', {
    url: `${hostile.url}/?q=<img/src=x/onerror=window.attacked=1>`,
    description: attack,
    events: ['attack.*'],
    channels: [attack],
    headers: { 'X-Attack': attack },
    retry_schedule: { delays_ms: [0] },
  });
  const event = await postrider.postEvent({
    type: 'attack.made',
    channel: attack,
    data: { [attack]: attack, nested: [attack] },
  });
  const { id: delivery } = await postrider.deliveryIs(event.id, 'failed');
  await store('PUT', '/v1/event-types/attack.made', {
    description: attack,
    example: { text: attack },
    schema: { type: 'object', title: attack, properties: { [attack]: { description: attack } } },
  });
  await store('POST', `/v1/webhooks/${webhook.id}/disable`, { reason: attack });
  await store('POST', '/v1/inbox/messages', [
    {
      ...{ externalCustomerId: attack, title: attack, content: attack, category: attack },
      ...{ customData: attack, link: 'javascript:window.attacked=1' },
    },
  ]);
  await store('POST', '/v1/api-keys', { name: attack });
  const { json: session } = await postrider.request('GET', '/v1/session');
  await store('PATCH', `/v1/accounts/${session.account.id}`, { name: attack });

  const { page, context, complaints } = await openPage(browser);
  await signIn(page, example.url, example.key);
  const paths = [
    '/',
    '/webhooks',
    `/webhooks/${webhook.id}`,
    `/webhooks/${webhook.id}/settings`,
    `/webhooks/${webhook.id}/edit`,
    '/deliveries',
    `/deliveries/${delivery}`,
    '/events',
    `/events/${event.id}`,
    `/inbox?${new URLSearchParams({ contact: attack })}`,
    '/settings',
    '/settings/event-types',
    '/settings/account',
    '/settings/audit-log',
    `/deliveries?${new URLSearchParams({ channel: attack, type: attack, webhook_id: attack, status: attack })}`,
    `/events?${new URLSearchParams({ q: attack, type: attack, channel: attack })}`,
    `/webhooks?${new URLSearchParams({ q: attack, state: attack })}`,
  ];
  for (const path of paths) {
    await open(page, path);
    // What is folded is looked at as well.
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    const shown = await page.evaluate<string>(
      `document.body.innerText + [...document.querySelectorAll('input, option')].map((one) => one.value + one.text).join()`,
    );
    expect(shown, path).toContain('onerror=');
    expect(await page.evaluate('window.attacked'), path).toBeUndefined();
    expect(await page.locator('#root img, #root script, a[href^="javascript:"]').count(), path).toBe(0);
  }
  expect(complaints).toEqual([]);
  await context.close();
  await hostile.close();
});
