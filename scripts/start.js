import { fileURLToPath } from 'node:url';

// What follows needs it; older ones fail at the first import with something that says nothing.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`postrider: Node 20.19 or later is needed; this is ${process.versions.node}`);
  process.exit(1);
}

// npm passes signals on, save the one that it cannot catch: then this process ends as npm did.
if (process.env.npm_lifecycle_event !== undefined) {
  const npm = process.ppid;
  setInterval(() => process.ppid === npm || process.kill(process.pid, 'SIGKILL'), 100).unref();
}

// Until main() takes over, a signal ends this process and, at its exit, what it has started.
const end = () => process.exit(1);
process.on('SIGINT', end).on('SIGTERM', end);

const root = fileURLToPath(new URL('..', import.meta.url));
const { installAndBuild } = await import('./install-and-build.js');
await installAndBuild(root);

// In this process, so that Ctrl-C and SIGTERM have one to go to.
const { main } = await import(new URL('../dist/main.js', import.meta.url).href);
const running = main(process.argv.slice(2), process.env);
process.off('SIGINT', end).off('SIGTERM', end);
await running;
