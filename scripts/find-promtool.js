import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.js';

/** What to tell someone on whose machine promtool is neither found nor to be had. */
export const promtoolAdvice = `promtool was not found. The alert rules are tested with it; it comes with Prometheus:
  Debian, Ubuntu   apt-get install prometheus
  macOS            brew install prometheus
  with Go          go install github.com/prometheus/prometheus/cmd/promtool@latest
Or name the program in PROMTOOL_PATH.`;

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'postrider', 'promtool');

/**
 * Finds promtool on this machine: PROMTOOL_PATH, PATH, or where `unpackPromtool` has put it. Undefined when there is none.
 * @returns {string | undefined} the program
 */
export function findPromtool() {
  const named = process.env.PROMTOOL_PATH;
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders.map((folder) => join(folder, 'promtool')), cache].find((file) => existsSync(file));
}

/** Takes promtool out of Debian's package, which is not installed: that would start a server. Needs no root. */
export async function unpackPromtool() {
  mkdirSync(join(cache, '..'), { recursive: true });
  const folder = mkdtempSync(`${cache}-`);
  try {
    await runCommand('apt-get', ['download', 'prometheus'], { cwd: folder });
    await runCommand('sh', ['-c', 'dpkg-deb --extract prometheus_*.deb .'], { cwd: folder });
    renameSync(join(folder, 'usr', 'bin', 'promtool'), cache);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
