import { fileURLToPath } from 'node:url';
import { build } from './build.js';
import { installPackages } from './install-packages.js';

// npm run rotate-encryption-key: see rotate-encryption-key.ts.

const root = fileURLToPath(new URL('..', import.meta.url));
try {
  await installPackages(root);
  await build(root);
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'CommandFailed') throw error;
  console.error(`postrider: ${error.message}`);
  process.exit(1);
}
const { main } = await import(new URL('../dist/rotate-encryption-key.js', import.meta.url).href);
await main(process.env);
