import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { runCommand } from './run-command.js';

const compressible = /\.(?:js|css|html|svg)$/;

/**
 * Builds the dashboard's page, and puts a compressed form beside each file that is the smaller for it.
 * @param {string} root the checkout
 * @param {string} folder where the page goes
 */
export async function buildPage(root, folder) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const config = join(root, 'dashboard', 'vite.config.ts');
  const options = ['--config', config, '--outDir', folder, '--emptyOutDir', '--logLevel', 'error'];
  // Whoever builds it, a test run for example: React has another, larger form for development.
  const env = { ...process.env, NODE_ENV: 'production' };
  await runCommand(process.execPath, [vite, 'build', ...options], { cwd: root, env });
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && compressible.test(entry.name)) compress(join(entry.parentPath, entry.name));
  }
}

/** @param {string} file */
function compress(file) {
  const content = readFileSync(file);
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: size }));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}
