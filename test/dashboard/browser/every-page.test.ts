import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Example, startExample } from '../example.ts';
import { openBrowser, openPage, signIn } from '../open-browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  'dark and narrow': { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
} as const;

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

test.each(Object.entries(looks))(
  'every page keeps WCAG AA and fits its window, %s',
  { timeout: 90_000 },
  async (_look, options) => {
    const { page, context, complaints } = await openPage(browser, options);
    await page.goto(example.url);
    await page.getByLabel('API key').waitFor();
    expect(await violations(page)).toEqual([]);
    await signIn(page, example.url, example.key);
    for (const path of [...Object.values(example.pages), '/nothing-here']) {
      await open(page, path);
      expect(await violations(page), path).toEqual([]);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width, path).toBeLessThanOrEqual(options.viewport.width);
    }
    expect(complaints).toEqual([]);
    await context.close();
  },
);

test('dialogs keep WCAG AA too, close on Escape and give the focus back', async () => {
  const { page, context } = await openPage(browser);
  await signIn(page, example.url, example.key);
  const dialogs: [string, string][] = [
    ['/events', 'Post event'],
    [example.pages['webhook-disabled'], 'Re-enable'],
    [example.pages.webhook, 'Send test event'],
    [example.pages['webhook-settings'], 'Recover since …'],
    [example.pages['webhook-settings'], 'Rotate'],
    [example.pages['webhook-settings'], 'Delete'],
    ['/settings', 'Create key'],
    ['/settings/event-types', 'Describe a type'],
  ];
  for (const [path, name] of dialogs) {
    await open(page, path);
    const button = page.getByRole('button', { name, exact: true }).first();
    await button.click();
    await page.getByRole('dialog').waitFor();
    expect(await violations(page), name).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await button.and(page.locator(':focus')).count(), name).toBe(1);
  }
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
  const { json: webhook } = await postrider.request('POST', '/v1/webhooks', {
    url: `${example.wellUrl}/?q=<img/src=x/onerror=window.attacked=1>`,
    description: attack,
    events: ['attack.*'],
    channels: [attack],
    headers: { 'X-Attack': attack },
  });
  const event = await postrider.postEvent({
    type: 'attack.made',
    channel: attack,
    data: { [attack]: attack, nested: [attack] },
  });
  const { id: delivery } = await postrider.deliveryIs(event.id, 'succeeded');
  await postrider.request('PUT', '/v1/event-types/attack.made', {
    description: attack,
    example: { text: attack },
  });
  await postrider.request('POST', `/v1/webhooks/${webhook.id}/disable`, { reason: attack });
  await postrider.request('POST', '/v1/inbox/messages', {
    ...{ externalCustomerId: attack, title: attack, content: attack, category: attack },
    ...{ customData: attack, link: 'javascript:window.attacked=1' },
  });
  await postrider.request('POST', '/v1/api-keys', { name: attack });

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
    '/settings/audit-log',
  ];
  for (const path of paths) {
    await open(page, path);
    const shown = await page.evaluate<string>(
      `document.body.innerText + [...document.querySelectorAll('input, option')].map((one) => one.value + one.text).join()`,
    );
    expect(shown, path).toContain('onerror=');
    expect(await page.evaluate('window.attacked'), path).toBeUndefined();
    expect(await page.locator('#root img, #root script, a[href^="javascript:"]').count(), path).toBe(0);
  }
  expect(complaints).toEqual([]);
  await context.close();
});
