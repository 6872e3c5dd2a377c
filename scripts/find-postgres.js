import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The oldest server that Postrider supports. */
export const oldestPostgres = 15;

/** What to tell someone on whose machine no PostgreSQL server is found. */
export const postgresAdvice = `PostgreSQL ${oldestPostgres} or later was not found. The tests start a server of their own and need its programs:
  Debian, Ubuntu   apt-get install postgresql
  Fedora           dnf install postgresql-server
  macOS            brew install postgresql@17
Or name the folder that holds initdb and postgres in POSTGRES_BIN.`;

/**
 * Finds the newest PostgreSQL of this machine that is new enough: in POSTGRES_BIN, on PATH, and where Debian, Fedora and
 * Homebrew put it. Undefined when there is none.
 * @returns {{ folder: string, version: number } | undefined} the folder of `initdb` and `postgres`, and the major version
 */
export function findPostgres() {
  const named = process.env.POSTGRES_BIN;
  const folders = named === undefined || named === '' ? usualFolders() : [named];
  return folders
    .filter((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
    .map((folder) => ({ folder, version: majorVersion(folder) }))
    .filter(({ version }) => version >= oldestPostgres)
    .sort((a, b) => b.version - a.version)[0];
}

function usualFolders() {
  return [
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...below('/usr/lib/postgresql', 'bin'),
    ...below('/usr', 'bin', /^pgsql-/),
    ...below('/opt/homebrew/opt', 'bin', /^postgresql(@|$)/),
    ...below('/usr/local/opt', 'bin', /^postgresql(@|$)/),
  ];
}

/**
 * @param {string} parent
 * @param {string} leaf
 * @param {RegExp} names
 */
function below(parent, leaf, names = /./) {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => names.test(name))
    .map((name) => join(parent, name, leaf));
}

/** @param {string} folder */
function majorVersion(folder) {
  try {
    const said = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
    return Number(/\) (\d+)/.exec(said)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
