import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settingsTable } from '../config.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

it('the README has every setting with its default, as config.ts says', () => {
  expect(readme).toContain(settingsTable());
});

it('the README names no npm command that there is not', () => {
  const named = [...readme.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});
