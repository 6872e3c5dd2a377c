#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// npx postrider …: in a checkout what is missing is installed and compiled first; a packed one holds all.

// What follows needs it; older ones fail at the first import with something that says nothing.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`postrider: Node 20.19 or later is needed; this is ${process.versions.node}`);
  process.exit(1);
}

const root = fileURLToPath(new URL('..', import.meta.url));
if (existsSync(new URL('../tsconfig.build.json', import.meta.url))) {
  // Until main() takes over, a signal ends this process and, at its exit, what it has started.
  const end = () => process.exit(1);
  process.on('SIGINT', end).on('SIGTERM', end);
  // Standard output is the command's: its JSON may go to a program.
  const { log } = console;
  console.log = console.error;
  const { installAndBuild } = await import('./install-and-build.js');
  await installAndBuild(root);
  console.log = log;
  process.off('SIGINT', end).off('SIGTERM', end);
}

const { main } = await import(new URL('../dist/cli/main.js', import.meta.url).href);
await main(process.argv.slice(2), process.env);
