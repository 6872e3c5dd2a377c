import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const consumer = `
import { createPostriderClient, dataOf, PostriderError } from '@postrider/client';
import { createVerifier } from '@postrider/receiver';
import { verifyWebhooks } from '@postrider/receiver/hono';
import { webhookRoute } from '@postrider/receiver/next';

const client = createPostriderClient({ baseUrl: 'http://127.0.0.1:9', apiKey: 'pk_1', retries: { tries: 1 } });
export async function use(): Promise<string> {
  const { id } = await client.sendEvent({ type: 'a.b', data: {} });
  for await (const delivery of client.list('/v1/deliveries', { query: { status: 'failed' } })) return delivery.status;
  return id + dataOf(await client.GET('/v1/webhooks/{id}', { params: { path: { id } } })).url;
}
// @ts-expect-error: there is no such path
client.GET('/v1/nonsense').catch(() => {});
export const post = webhookRoute<{ n: number }>({ secret: 'whsec_AAAA' }, async ({ payload }) => Response.json(payload.n));
verifyWebhooks({ secret: 'whsec_AAAA' });
createVerifier({ secret: 'whsec_AAAA' });
console.log(new PostriderError({ status: 1, code: 'c', detail: 'd', errors: [], retryAfterMs: undefined }).name);
`;

test('the packages build, and can be used with their types and without', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-sdk-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@postrider'), { recursive: true });
  const tsc = resolve('node_modules/typescript/bin/tsc');
  const packages = ['client', 'receiver'].map((name) => ({
    name,
    manifest: JSON.parse(readFileSync(`sdk/${name}/package.json`, 'utf8')),
  }));
  for (const { name, manifest } of packages) {
    const installed = join(modules, '@postrider', name);
    execFileSync(process.execPath, [tsc, '-p', `sdk/${name}`, '--outDir', join(installed, 'dist')], {
      stdio: 'pipe',
    });
    cpSync(`sdk/${name}/package.json`, join(installed, 'package.json'));
    for (const { types, default: main } of Object.values<{ types: string; default: string }>(
      manifest.exports,
    )) {
      expect([types, main].filter((file) => !existsSync(join(installed, file)))).toEqual([]);
    }
    for (const dependency of Object.keys(manifest.dependencies)) {
      symlinkSync(resolve('node_modules', dependency), join(modules, dependency));
    }
  }
  for (const name of ['typescript', '@types'])
    symlinkSync(resolve('node_modules', name), join(modules, name));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'use.ts'), consumer);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    '{"compilerOptions": {"target": "es2023", "module": "nodenext", "strict": true, "types": ["node"], "outDir": "out"}, "files": ["use.ts"]}',
  );
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'pipe', encoding: 'utf8' });
  const said = execFileSync(process.execPath, [join(folder, 'out', 'use.js')], { encoding: 'utf8' });
  expect(said).toBe('PostriderError\n');
});
