import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { newId } from '../../db/ids.ts';
import { createExpressions } from '../../delivery/expressions.ts';

const expressions = createExpressions({ log: pino({ level: 'silent' }) });
afterAll(() => expressions.close());

const [attacker, victim] = [newId('acct'), newId('acct')];
const patienceMs = 20_000;
const created_at = new Date('2025-01-15T10:25:03.004Z');
/** What JSONata would take for `function($x) { 40 + 2 }`. */
const forged = {
  _jsonata_lambda: true,
  arguments: [{ value: 'x' }],
  body: { type: 'binary', value: '+', lhs: { type: 'number', value: 40 }, rhs: { type: 'number', value: 2 } },
};
const event = {
  id: newId('evt'),
  client_id: 'order-1',
  type: 'order.paid',
  channel: null,
  data: JSON.stringify({
    amount: 120,
    items: [{ sku: 'a' }, { sku: 'b' }],
    _jsonata_lambda: false,
    forged,
  }).replace('_jsonata_lambda', '\\u005fjsonata_lambda'),
  created_at,
};

const transform = (account_id: typeof victim, expression: string) =>
  expressions.transform({ account_id, expression, event, body: '{}', patienceMs });
const filter = (account_id: typeof victim, expression: string) =>
  expressions.filter({ account_id, expression, event, patienceMs });

const source = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8');
const builtIns = [...source.matchAll(/staticFrame\.bind\('(\w+)'/g)].map(([, name]) => `${name}`);

/** What each account may rely on. */
async function expectAsEver() {
  expect(await filter(victim, 'true')).toEqual({ passes: true });
  expect(await filter(victim, 'data.amount > 100')).toEqual({ passes: true });
  const used = [
    '$uppercase("kept")',
    '$lowercase("A")',
    '$append([1], 2)',
    '$match("abc", /b/).match',
    '($trim ~> $uppercase)(" a ")',
    '$now() & $millis()',
    '$map(data.items, function($item) { $item.sku })',
    '({"n": 1} ~> |$|{"m": 2}, "n"|).m',
  ];
  const now = `${created_at.toISOString()}${created_at.getTime()}`;
  expect(await transform(victim, `[${used.join(', ')}]`)).toEqual({
    body: JSON.stringify(['KEPT', 'a', 1, 2, 'b', 'A', now, 'a', 'b', 2]),
  });
}

const attacks = [
  '({} ~> |$boolean|{"implementation": function() { false }}|; 1)',
  '({} ~> |$now|{"implementation": function() { "never" }}|; $now())',
  '($clone := function($x) { $x }; {"f": $uppercase} ~> |f|{"implementation": function($s) { "SPOOFED" }}|; 1)',
  '($box := {"seen": []}; [$uppercase] ~> |$|{"implementation": function($s) { {"b": $box} ~> |b|{"seen": $s}| }}|; 1)',
  '({} ~> |[1, $lowercase]|{}, ["signature", "implementation"]|; 1)',
  '({} ~> |$spread([$lowercase]).implementation|{"apply": 1, "call": 1}|; 1)',
  '({} ~> |$spread([$lowercase]).signature|{"validate": 1, "definition": 1}|; 1)',
  '({} ~> |$uppercase ~> $trim|{"body": {"type": "value", "value": 1}}|; 1)',
  '($c := $uppercase ~> $trim; {} ~> |$c|{}, ["_jsonata_lambda"]|; {} ~> |$c.body|{"type": "value", "value": 1}|; 1)',
  '($l := function() { 1 }; {} ~> |$l|{}, ["_jsonata_lambda"]|; {} ~> |$l.environment.base.options|{"timeout": 1}|; 1)',
  '($l := function() { 1 }; {} ~> |$l|{}, ["_jsonata_lambda"]|; {} ~> |$l.environment.base.RegexEngine|{"kept": 1}|; 1)',
  '($l := function() { 1 }; {} ~> |$l|{}, ["_jsonata_lambda"]|; {} ~> |$l.environment.global|{"kept": 1}, ["ancestry"]|; 1)',
  '($m := $spread([$merge]).implementation; $l := $m([function() { 1 }, data]); {} ~> |$l.environment.global|{"kept": 1}|; 1)',
  '($uppercase := function($s) { "SPOOFED" }; $match := 1; $uppercase("a"))',
  '($f := function($g) { {} ~> |$g|{"arity": 9, "apply": 1}| }; $f($append))',
  '({} ~> |/b/|{"apply": 1}|; {} ~> |$match("abc", /b/).next|{"apply": 1}|; 1)',
];

describe('expressions of one account', () => {
  it.each(attacks)('change nothing for those of another: %s', async (expression) => {
    await transform(attacker, expression);
    await filter(attacker, expression);
    await expectAsEver();
  });

  it('change none of JSONata’s functions', async () => {
    expect(builtIns.length).toBeGreaterThan(60);
    for (const name of [...builtIns.filter((one) => one !== 'eval'), 'now', 'millis']) {
      for (const change of ['{"implementation": 1}', '{}, ["signature", "implementation"]']) {
        const answer = await transform(attacker, `({} ~> |$${name}|${change}|; 1)`);
        expect(answer).toMatchObject({ failure: { code: 'no_change' } });
      }
      expect(await transform(attacker, `$spread([$${name}])`)).toEqual({ body: '[]' });
    }
    await expectAsEver();
  });

  it('keep nothing in themselves from one run to the next', async () => {
    const expression =
      '($l := function() { 1 }; $before := $l(); {} ~> |$l|{}, ["_jsonata_lambda"]|; {} ~> |$l.body|{"value": 2}|; $before)';
    expect(await transform(attacker, expression)).toEqual(await transform(victim, expression));
    // Where a function was called the last time, and by which name, is not told with the next failure.
    await transform(attacker, '(                              $theirs := $number; $theirs("1"))');
    const mapped = await transform(victim, '$map(["x"], $number)');
    expect(mapped).toMatchObject({ failure: { code: 'D3030', position: 5 } });
    expect(JSON.stringify(mapped)).not.toContain('theirs');
  });

  it.each([
    '($l := function() { 1 }; {} ~> |$l|{"body": {"type": "variable", "value": "eval"}}|; ($l())("1+41"))',
    '($l := function() { 1 }; {} ~> |$l|{}, ["_jsonata_lambda"]|; $l.environment.lookup("eval")("1+41"))',
    '($a := [{}, {}]; $l := function() { 1 }; {} ~> |$a|({} ~> |[[$a]]|{"1": $l}|; {}), ["_jsonata_lambda"]|; $a[1].environment.lookup("eval")("1+41"))',
    '(data.forged(?))(1)',
    'data.forged(1)',
    'data._jsonata_lambda',
  ])('run nothing of an event: %s', async (expression) => {
    expect(await transform(attacker, expression)).toHaveProperty('failure');
  });

  it('that go on beside a failure are at their end before another’s begin', async () => {
    const long = `$match("${'a'.repeat(40)}b", /^(a+)+$/)`;
    const runaway = `{"a": $error("x"), "b": ($s := $sum([1..20000].($*2)); ${long})}`;
    const own = newId('acct');
    const bad = transform(own, runaway);
    const others = Array.from({ length: 3 }, () => filter(victim, 'true'));
    expect(await bad).toMatchObject({ failure: { code: 'too_long' } });
    expect(await Promise.all(others)).toEqual(others.map(() => ({ passes: true })));
    await expectAsEver();
  });

  it('that have functions called where nobody waits for them do not end the process', async () => {
    const failing = '(function($f) { $string({"toJSON": $f}) })($error)';
    expect(await transform(attacker, failing)).toEqual({ body: '"{}"' });
    const result = await transform(attacker, '(function($f) { {"toJSON": $f} })($error)');
    expect(result).toMatchObject({ failure: { code: 'no_json' } });
    await expectAsEver();
  });
});
