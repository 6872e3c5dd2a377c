import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { newId } from '../../db/ids.ts';
import { createExpressions } from '../../delivery/expressions.ts';
import { expressionLimits } from '../../webhook/expressions.ts';

const ended: string[] = [];
const expressions = createExpressions({
  log: pino({ level: 'silent' }),
  onEnd: (reason) => ended.push(reason),
});
afterAll(() => expressions.close());

const account_id = newId('acct');
const patienceMs = 20_000;

function eventOf(data: unknown, client_id = 'order-1') {
  const created_at = new Date('2025-01-15T10:25:03.004Z');
  const event = { id: newId('evt'), client_id, type: 'order.paid', channel: 'shop' };
  return { ...event, data: JSON.stringify(data), created_at };
}

const order = eventOf({ amount: 120, note: 'TOP-SECRET', items: [{ sku: 'a' }, { sku: 'b' }] });

const filter = (expression: string, event = order, account = account_id) =>
  expressions.filter({ account_id: account, expression, event, patienceMs });
const transform = (expression: string, event = order, body = '{"own":1}') =>
  expressions.transform({ account_id, expression, event, body, patienceMs });

const failureOf = async (answer: Promise<object>) => {
  const { failure } = (await answer) as {
    failure?: { code: string; position: number | null; message: string };
  };
  return failure ?? expect.fail('it did not fail');
};

describe('expressions', () => {
  it.each([
    ['type = "order.paid" and channel = "shop"', true],
    ['data.amount > 100', true],
    ['data.amount > 200', false],
    ['data.items[sku = "b"]', true],
    ['data.nothing', false],
    ['id = "order-1" and created_at = "2025-01-15T10:25:03.004Z"', true],
  ])('filter by the event: %s', async (expression, passes) => {
    expect(await filter(expression)).toEqual({ passes });
  });

  it.each([
    ['{"text": "paid " & data.amount}', '{"text":"paid 120"}'],
    ['$merge([$body, {"more": data.items.sku}])', '{"own":1,"more":["a","b"]}'],
    ['"a text"', '"a text"'],
    ['null', 'null'],
    ['data.items.sku', '["a","b"]'],
    ['{"constructor": 1, "__proto__": 2}', '{"constructor":1,"__proto__":2}'],
  ])('make a body: %s', async (expression, body) => {
    expect(await transform(expression)).toEqual({ body });
  });

  it('give the same bytes for the same event, also where they ask for the time or for chance', async () => {
    const expression = '{"at": $now(), "ms": $millis(), "r": $random(), "s": $shuffle([1..20])}';
    const first = (await transform(expression)) as { body: string };
    await transform('$random()', eventOf({}, 'another'));
    expect(await transform(expression)).toEqual(first);
    expect(JSON.parse(first.body)).toMatchObject({ at: '2025-01-15T10:25:03.004Z', ms: 1_736_936_703_004 });
    expect(await transform(expression, eventOf({}, 'another'))).not.toEqual(first);
  });

  it('that are asked together are answered each for itself', async () => {
    const lists = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 3_000 : 1));
    const sums = lists.map((length) => transform(`$sum($map([1..${length}], function($n) { $n }))`));
    expect(await Promise.all(sums)).toEqual(
      lists.map((length) => ({ body: `${(length * (length + 1)) / 2}` })),
    );
  });

  it.each(['$sum', '[$sum]', 'function($x) { true }', '/a/', 'data.items.$lowercase'])(
    'that filter by a function fail, since that is neither true nor false: %s',
    async (expression) => {
      expect((await failureOf(filter(expression))).code).toBe('no_verdict');
    },
  );

  it('keep nothing from one run to the next', async () => {
    await transform('($kept := data.note; $kept)');
    expect((await failureOf(transform('$kept'))).code).toBe('no_result');
  });

  it.each([
    ['data.note > 5', 'T2009', 11],
    ['$number(data.note)', 'D3030', 8],
    ['data.note * 2', 'T2001', 11],
    ['$error(data.note)', 'refused_by_itself', 7],
    ['$assert(false, data.note)', 'refused_by_itself', 8],
    ['{data.amount: 1}', 'T1003', null],
    ['$toMillis(data.note)', 'D3110', 10],
  ])('that fail say where and why, and nothing of the event: %s', async (expression, code, position) => {
    const failure = await failureOf(transform(expression));
    expect(failure).toMatchObject({ code, ...(position === null ? {} : { position }) });
    expect(failure.message).not.toContain('TOP-SECRET');
    expect(failure.message).not.toContain('120');
    expect(failure.message.length).toBeGreaterThan(10);
  });

  it.each([
    ['data.missing', 'no_result'],
    ['function($x) { $x }', 'no_json'],
    ['{"deep": [$sum]}', 'no_json'],
    [`$join([1..100000].("12345"))`, 'result_too_large'],
    ['[1..2000000]', 'too_many'],
    ['($f := function($n) { 1 + $f($n) }; $f(1))', 'too_deep'],
  ])('that give nothing that can be sent fail: %s', async (expression, code) => {
    expect((await failureOf(transform(expression))).code).toBe(code);
  });

  it.each([
    ['{"then": /a/}', 7],
    ['{"deep": [{"then": $append([], $trim)[0]}]}', 17],
    ['($f := function($resolve) { $resolve(1) }; {"then": $append([], $f)[0]})', 50],
    ['/a/("aa").{"then": next}', 17],
    ['data.items{"th" & "en": /a/}', 17],
    ['data ~> |$|{"then": /a/}|', 18],
    ['data.{note = "x" ? "a" : "then": /a/}.a', null],
  ])(
    'that make what JavaScript would wait for fail at once, with a place: %s',
    async (expression, position) => {
      const failure = await failureOf(transform(expression));
      expect(failure).toMatchObject({ code: 'no_then', position: position ?? expect.any(Number) });
    },
  );

  it('may have values of any name, and functions under names that they know', async () => {
    const expression =
      '($by := {"a": /x/, "then": 1}; {$lowercase("THEN"): $by.then, "b": $exists($match("ax", $by.a))})';
    expect(await transform(expression)).toEqual({ body: '{"then":1,"b":true}' });
  });

  it('are not run on an event that is too large', async () => {
    const large = eventOf({ text: 'x'.repeat(expressionLimits.inputCharacters) });
    expect((await failureOf(transform('1', large))).code).toBe('input_too_large');
  });

  it.each([
    ['data.amount >', 'S0207'],
    ['{"a": }', 'S0211'],
    ['$eval("1")', 'no_eval'],
    ['function($x) { $eval($x) }', 'no_eval'],
    ['"abc', 'S0101'],
  ])('that do not compile are told: %s', async (expression, code) => {
    const failure = await expressions.check(account_id, 'filter', expression);
    expect(failure).toMatchObject({ code, position: expect.any(Number) });
  });

  it('that compile are told, whatever they would do', async () => {
    expect(await expressions.check(account_id, 'filter', '$number("x")')).toBeUndefined();
  });

  it.each([
    'data.constructor',
    '$.constructor',
    'data.items.constructor.constructor("return process")()',
    '(data.note.constructor)("x")',
    '$lookup($, "__proto__")',
    '$.__proto__.polluted',
    '$keys($.__proto__)',
  ])('reach nothing of the process: %s', async (expression) => {
    const answer = await transform(expression);
    expect('failure' in answer ? 'nothing' : answer.body).toBe('nothing');
  });

  it('of any text either compile or are refused with a place, and the next one runs', async () => {
    const parts = fc.constantFrom(
      'data',
      '.',
      'a',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      '$x',
      ':=',
      '~>',
      '?',
      '/a/',
      ' ',
      '%',
      '|',
      '1',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { minLength: 1, maxLength: 12 }), async (text) => {
        const failure = await expressions.check(account_id, 'transformation', text.join(''));
        if (failure !== undefined) expect(failure.message).not.toContain('undefined');
        expect(await filter('true')).toEqual({ passes: true });
      }),
      { numRuns: 100 },
    );
  });
});

describe('expressions that take too much', () => {
  const runaways: [string, string][] = [
    ['a loop', '($f := function($n) { $f($n + 1) }; $f(1))'],
    ['a regular expression', '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", /^(a+)+$/)'],
    ['a text without end', '$length($pad("x", 400000000))'],
  ];
  /** JSONata itself ends the loop. */
  afterAll(() => expect(ended).toEqual(['too_long', 'too_much_memory']));

  it.each(runaways)('are ended, and the others run on: %s', async (_, expression) => {
    const own = newId('acct');
    const bad = filter(expression, order, own);
    const others = Array.from({ length: 6 }, () => filter('data.amount > 100'));
    expect(['too_long', 'too_much_memory']).toContain((await failureOf(bad)).code);
    expect(await Promise.all(others)).toEqual(others.map(() => ({ passes: true })));
    expect((await failureOf(filter(expression, order, own))).code).toBe('paused');
    expect(await filter('true', order, own)).toEqual({ passes: true });
  });

  it('pause their account when there are several', async () => {
    const own = newId('acct');
    const loop = (n: number) => `($f := function($n) { $f($n + ${n}) }; $f(1))`;
    await filter(loop(1), order, own);
    await filter(loop(2), order, own);
    expect((await failureOf(filter('true', order, own))).code).toBe('paused');
    expect(await filter('true')).toEqual({ passes: true });
  });
});
