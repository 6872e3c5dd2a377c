import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
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

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  [browser, example] = await Promise.all([openBrowser(), startExample()]);
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
  await context.close();
});

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate('document.fonts.ready.then(() => true)');
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
