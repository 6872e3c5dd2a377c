import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const rows = read('docs/threat-model.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2);

test('each threat names a test, and each test that is named is there', () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const named = [...row.matchAll(/`(test\/[\w./-]+): ([^`]+)`/g)];
    expect(named.length, row).toBeGreaterThan(0);
    for (const [, file = '', name = ''] of named) {
      const quoted = [`('${name}'`, `("${name}"`];
      const source = read(file);
      expect(
        quoted.some((text) => source.includes(text)),
        `${file}: ${name}`,
      ).toBe(true);
    }
  }
});
