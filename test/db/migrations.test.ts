import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Those up to here came before anybody had a version to upgrade from. */
const before = '0016';
/** What the version before it may still use while it runs: it was released that nothing does any longer. */
const unused: readonly string[] = [];

const takesAway =
  /\b(drop (table|column|type|function)|rename|set not null|alter column \S+ (set data )?type)\b/i;
/** Whoever does not know of the column cannot fill it in. */
const addsWithoutDefault = /\badd column\b(?!.*\b(default|generated)\b).*\bnot null\b/i;

/** The statements of a migration that the version before it would not survive. */
const harmful = (text: string) =>
  text
    .split('--> statement-breakpoint')
    .map((statement) => statement.trim())
    .filter((statement) => takesAway.test(statement) || addsWithoutDefault.test(statement));

const later = readdirSync('db/migrations').filter((file) => file.endsWith('.sql') && file >= before);

test.each(later.map((file) => [file]))('%s takes nothing away that the version before it uses', (file) => {
  const found = harmful(readFileSync(`db/migrations/${file}`, 'utf8'));
  expect(found.filter((statement) => !unused.includes(statement))).toEqual([]);
});

test.each([
  ['alter table "a" drop column "b"'],
  ['ALTER TABLE "a" RENAME COLUMN "b" TO "c";'],
  ['ALTER TABLE "a" ALTER COLUMN "b" SET NOT NULL;'],
  ['ALTER TABLE "a" ALTER COLUMN "b" SET DATA TYPE bigint;'],
  ['ALTER TABLE "a" ADD COLUMN "b" text NOT NULL;'],
])('%s is one that does', (statement) => {
  expect(harmful(`create table "x" ();\n--> statement-breakpoint\n${statement}`)).toEqual([statement]);
});

test('a column that may be null, or has a default, is none', () => {
  expect(
    harmful(
      'ALTER TABLE "a" ADD COLUMN "b" text;--> statement-breakpoint\nALTER TABLE "a" ADD COLUMN "c" int DEFAULT 0 NOT NULL;',
    ),
  ).toEqual([]);
});
