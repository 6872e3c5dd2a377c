import { fileURLToPath } from 'node:url';
import { installAndBuild } from './install-and-build.js';

// npm run rotate-encryption-key: see rotate-encryption-key.ts.

const root = fileURLToPath(new URL('..', import.meta.url));
await installAndBuild(root);
const { main } = await import(new URL('../dist/rotate-encryption-key.js', import.meta.url).href);
await main(process.env);
