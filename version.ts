import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, which stands beside the sources and above the compiled files. */
export const version: string = JSON.parse(
  readFileSync(
    [new URL('./package.json', import.meta.url), new URL('../package.json', import.meta.url)].find((url) =>
      existsSync(url),
    ) as URL,
    'utf8',
  ),
).version;
