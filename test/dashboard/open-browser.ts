import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { chromiumAdvice, findChromium } from '../../scripts/find-chromium.js';
import { waitFor } from '../setup/wait-for.ts';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How long anything on a page may take, in ms: the machine may be busy. */
const patienceMs = 10_000;

/** Opens the machine's Chromium. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(chromiumAdvice);
  return chromium.launch({ executablePath, args: flags });
}

export interface OpenPage {
  page: Page;
  context: BrowserContext;
  /** What the page complained of: errors of scripts, and what its policy refused. */
  complaints: string[];
}

/** A window of its own, with cookies of its own, that notes what goes wrong in it. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text()))
      complaints.push(message.text());
  });
  return { page, context, complaints };
}

/** Signs in with an API key, by the form. */
export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
}

/** Waits until an expression holds in the page. (The page's policy lets nothing be evaluated within it again and again.) */
export async function until(page: Page, expression: string): Promise<void> {
  await waitFor(async () => ((await page.evaluate<boolean>(expression)) ? true : undefined), expression);
}
