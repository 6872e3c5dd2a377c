import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What to tell someone on whose machine no Chromium is found. */
export const chromiumAdvice = `Chromium was not found. The dashboard's tests open it in a real browser:
  Debian, Ubuntu   apt-get install chromium
  Fedora           dnf install chromium
  macOS            brew install --cask chromium
Or name the program in CHROMIUM_PATH.`;

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const usualPlaces = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * Finds Chromium or Chrome on this machine: CHROMIUM_PATH, then PATH, then where macOS puts it. Undefined when there is none.
 * @returns {string | undefined} the program
 */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...onPath, ...usualPlaces].find((file) => existsSync(file));
}
