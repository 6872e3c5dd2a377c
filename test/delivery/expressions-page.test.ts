import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import { newId } from '../../db/ids.ts';
import { eventToSend } from '../../delivery/event-to-send.ts';
import { createExpressions } from '../../delivery/expressions.ts';
import { describeExpressionFailure, describeRefusal, expressionLimits } from '../../webhook/expressions.ts';
import { profiles } from '../../webhook/profiles.ts';

const page = readFileSync(new URL('../../docs/expressions.md', import.meta.url), 'utf8');
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\n([^]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

const shown = JSON.parse(blocks('json event')[0] ?? '{}');
const event = {
  ...{ id: newId('evt'), client_id: shown.id, type: shown.type, channel: shown.channel },
  ...{ data: JSON.stringify(shown.data), created_at: new Date(shown.created_at) },
};
const expressions = createExpressions({ log: pino({ level: 'silent' }) });
afterAll(() => expressions.close());
const run = { account_id: newId('acct'), event, patienceMs: 20_000 };

const filters = [...page.matchAll(/^\| `(.+)` \| (passes|filtered) \|$/gm)].map(
  ([, filter = '', verdict]) => [filter, verdict === 'passes'] as const,
);

it.each(filters)('a filter of the page does what it says: %s', async (expression, passes) => {
  expect(await expressions.filter({ ...run, expression })).toEqual({ passes });
});

const results = blocks('json result');
const transformations = blocks('jsonata').map(
  (text, index) => [text.trim(), results[index]?.trim()] as const,
);

it.each(transformations)('a transformation of the page gives its result: %s', async (expression, body) => {
  const given = profiles.inbox.body(eventToSend(event));
  expect(await expressions.transform({ ...run, expression, body: given })).toEqual({ body });
});

it('the page has examples of each, and the failures and limits that there are', async () => {
  expect(filters.length).toBeGreaterThan(5);
  expect(transformations.length).toBe(results.length);
  expect(results.length).toBeGreaterThan(2);
  const odd = { ...event, data: '{"amount":"many"}' };
  const failed = await expressions.filter({ ...run, event: odd, expression: 'data.amount > 100' });
  if (!('failure' in failed)) return expect.fail('it did not fail');
  expect(page).toContain(`> ${describeExpressionFailure('filter', failed.failure)}`);
  const refusal = await expressions.check(run.account_id, 'filter', 'data.amount >');
  expect(page).toContain(JSON.stringify(refusal && describeRefusal(refusal)).slice(1, -1));
  const { characters, inputCharacters, resultCharacters } = expressionLimits;
  for (const limit of [characters, inputCharacters, resultCharacters])
    expect(page).toContain(`${limit.toLocaleString('en-US')} characters`);
  return undefined;
});
