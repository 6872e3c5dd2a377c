import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findSchemathesis } from '../../scripts/find-schemathesis.js';
import { startTestPostrider } from '../setup/postrider.ts';

const { SCHEMATHESIS_EXAMPLES: examples = '10', SCHEMATHESIS_SEED: seed = '1' } = process.env;
const config = fileURLToPath(new URL('./schemathesis.toml', import.meta.url));

/** Whatever addresses are made up, nothing leaves this machine. */
function stayOnThisMachine() {
  const connect = Socket.prototype.connect;
  const spy = vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (
    this: Socket,
    ...args: unknown[]
  ) {
    const { host = '' } = (args.flat()[0] ?? {}) as { host?: string };
    if (isIP(host) !== 0 && host !== '127.0.0.1' && host !== '::1') {
      throw new Error('a made-up address was about to be connected to');
    }
    return Reflect.apply(connect, this, args);
  });
  onTestFinished(() => spy.mockRestore());
}

test('Schemathesis finds nothing wrong with any operation that /openapi.json describes', async () => {
  stayOnThisMachine();
  const postrider = await startTestPostrider(
    {},
    { resolve: async () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' })) },
  );
  onTestFinished(postrider.close);
  // What it changes and revokes must not be what it asks with.
  const other = (await postrider.request('POST', '/v1/accounts', { name: 'To be changed' })).json;
  const disposable = (await postrider.request('POST', '/v1/api-keys', { name: 'To be revoked' })).json;

  const folder = mkdtempSync(join(tmpdir(), 'postrider-schemathesis-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(
    findSchemathesis() ?? '',
    [
      ...['--config-file', config, '--no-color', 'run', `${postrider.apiUrl()}/openapi.json`],
      ...['--header', `Authorization: Bearer ${postrider.key}`],
      ...['--max-examples', examples, '--seed', seed, '--workers', '2'],
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: 'hooks',
        PYTHONPATH: fileURLToPath(new URL('.', import.meta.url)),
        PYTHONDONTWRITEBYTECODE: '1',
        ACCOUNT_TO_CHANGE: other.id,
        KEY_TO_REVOKE: disposable.id,
      },
    },
  );
  onTestFinished(() => void child.kill());
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  if (process.env.SCHEMATHESIS_SHOWN !== undefined) process.stdout.write(said);
  expect(code, said).toBe(0);
  expect(said).toMatch(/Tested: \d+/);
});
