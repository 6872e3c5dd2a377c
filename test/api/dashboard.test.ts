import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, testApiSettings } from '../setup/api.ts';

const page = '<!doctype html><script type="module" src="/assets/index-abc.js"></script>';
const script = 'console.log("the dashboard")';
let folder: string;
let api: TestApi;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-page-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), page);
  writeFileSync(join(folder, 'assets', 'index-abc.js'), script);
  writeFileSync(join(folder, 'assets', 'index-abc.js.br'), brotliCompressSync(script));
  writeFileSync(join(folder, 'assets', 'index-abc.js.gz'), gzipSync(script));
  writeFileSync(join(folder, 'assets', 'letters-abc.woff2'), 'wOF2');
  api = await startTestApi({ settings: { ...testApiSettings, dashboardFolder: folder } });
});

afterAll(async () => {
  await api?.close();
  rmSync(folder, { recursive: true, force: true });
});

const asBrowser = { key: null, headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

test('the page is at / and at every address that a browser opens and nothing else has', async () => {
  for (const path of ['/', '/webhooks', '/webhooks/wh_1/settings', '/deliveries?status=failed', '/portal']) {
    const { status, text, headers } = await api.request('GET', path, asBrowser);
    expect(status, path).toBe(200);
    expect(text).toBe(page);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-cache');
  }
});

test('its policy permits files of this server alone, and no text that becomes markup', async () => {
  const { headers } = await api.request('GET', '/', asBrowser);
  const directives = (headers.get('content-security-policy') ?? '').split('; ');
  expect(directives).toContain("default-src 'none'");
  expect(directives).toContain("script-src 'self'");
  expect(directives).toContain("style-src 'self'");
  expect(directives).toContain("require-trusted-types-for 'script'");
  expect(directives).toContain("frame-ancestors 'none'");
  expect(directives.join()).not.toMatch(/unsafe|http|\*|data:|blob:/);
});

test('programs that ask for what is not there get a problem, not the page', async () => {
  for (const path of ['/webhooks', '/v1/nope', '/assets/gone-abc.js']) {
    const { status, json } = await api.request('GET', path, { key: null });
    expect(status, path).toBe(404);
    expect(json.code).toBe('not_found');
  }
  for (const path of ['/v1/nope', '/assets/gone-abc.js', '/assets/..%2Findex.html', '/docs/nope']) {
    expect((await api.request('GET', path, asBrowser)).status, path).toBe(404);
  }
});

test('its files are kept for ever and sent compressed to whoever takes that', async () => {
  for (const encoding of ['br', 'gzip', 'identity']) {
    const { status, headers, text } = await api.request('GET', '/assets/index-abc.js', {
      key: null,
      headers: { 'accept-encoding': encoding },
    });
    expect(status).toBe(200);
    expect(headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding);
    expect(headers.get('vary')).toBe('Accept-Encoding');
    expect(headers.get('cache-control')).toContain('immutable');
    expect(headers.get('content-type')).toMatch(/javascript/);
    expect(text).toBe(script);
  }
  const letters = await api.request('GET', '/assets/letters-abc.woff2', { key: null });
  expect(letters.headers.get('content-type')).toBe('font/woff2');
});

test('where it was not built, / says so and leads to the documentation', async () => {
  const bare = await startTestApi();
  const { status, text } = await bare.request('GET', '/', asBrowser);
  expect(status).toBe(200);
  expect(text).toContain('npm run build');
  expect(text).toContain('href="/docs"');
  await bare.close();
});
