import { setImmediate as othersTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import jsonata from 'jsonata';
import { holdBuiltIns, holdSyntax, isFunction, jsonataSource, parsedValues } from './jsonata-held.js';

/**
 * The process in which accounts' expressions run, one after the other: expression-runner.ts starts it, and ends it when one
 * takes too much. Plain JavaScript, since Node starts it as it is, be it from the sources or compiled.
 *
 * The same expression on the same event always gives the same: the clock stands at the event's time, and randomness comes
 * from the event's id.
 */

/** @import { ExpressionRequest, ProcessAnswer } from './expression-runner.ts' */
/** @typedef {{ code: string, position?: number, token?: unknown, value?: unknown, index?: unknown }} JsonataError */

const mostCompiled = 1_000;

const [mostResultCharacters = 0, timeoutMs = 0] = process.argv.slice(2).map(Number);
/** JSONata keeps these itself, as far as it gets to look: the rest is ended from outside. */
const guards = Object.freeze({ timeout: timeoutMs, stack: 5_000, sequence: 1_000_000 });
/** @type {ReadonlyMap<string, string>} */
const guardCodes = new Map([
  ['D1011', 'too_deep'],
  ['D1012', 'too_long'],
  ['D2014', 'too_many'],
  ['D2015', 'too_many'],
]);
const ownCodes = ['no_eval', 'no_json', 'no_change', 'no_then'];
/** @type {Map<string, jsonata.Expression>} */
const compiled = new Map();
const isTrue = jsonata('$boolean($value)');
const templates = messageTemplates();
let now = 0;
let random = 0;

standStill();
const clock = await holdBuiltIns(() => now);
for (const builtIn of [Object, Array, Function, String, Number, Boolean, RegExp, Date, Promise, Error]) {
  Object.seal(builtIn.prototype);
  Object.freeze(builtIn);
}

// Also in the midst of an expression without end it does not outlive whoever started it.
new Worker(
  `const parent = process.ppid; setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000)`,
  { eval: true },
);
process.on('disconnect', () => process.exit());
// Of functions that an expression calls without waiting for them, such as one named toJSON in what $string is given.
process.on('unhandledRejection', () => {});
// One after the other, also of those that come together: who asks goes by the order of the answers.
let last = Promise.resolve();
process.on('message', (request) => {
  last = last.then(async () => {
    const told = await answer(/** @type {ExpressionRequest} */ (request));
    // What runs side by side may still be at it when one of it has failed: it ends before the next one begins.
    await othersTurn();
    process.send?.(told);
  });
});
process.send?.('ready');

/** @param {ExpressionRequest} request @returns {Promise<ProcessAnswer>} */
async function answer(request) {
  try {
    return await run(request);
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/** @param {ExpressionRequest} request @returns {Promise<ProcessAnswer>} */
async function run({ kind, expression, event, body }) {
  const known = compile(expression);
  if (event === undefined) return { text: '' };
  now = event.at_ms;
  random = hash(event.id);
  // Given even where there are none, so that what an expression assigns is gone with its run.
  const result = await known.evaluate(
    parsedValues(event.json),
    body === undefined ? {} : { body: parsedValues(body) },
  );
  if (kind === 'filter') return verdictOf(result);
  if (result === undefined) return { failure: { code: 'no_result' } };
  refuseFunctions(result);
  const text = JSON.stringify(result);
  return text.length > mostResultCharacters ? { failure: { code: 'result_too_large' } } : { text };
}

/** @param {unknown} result @returns {Promise<ProcessAnswer>} */
async function verdictOf(result) {
  // JSONata takes a function for false.
  if ([result].flat(Infinity).some(isFunction)) return { failure: { code: 'no_verdict' } };
  return { text: String((await isTrue.evaluate(null, { value: result })) === true) };
}

/** @param {string} expression */
function compile(expression) {
  const known = compiled.get(expression) ?? compileAnew(expression);
  compiled.delete(expression);
  compiled.set(expression, known);
  const [oldest] = compiled.keys();
  if (compiled.size > mostCompiled && oldest !== undefined) compiled.delete(oldest);
  return known;
}

/** @param {string} expression */
function compileAnew(expression) {
  const made = jsonata(expression, guards);
  holdSyntax(made.ast());
  for (const [name, builtIn] of Object.entries(clock)) made.assign(name, builtIn);
  return made;
}

/** Before JSON is made, which would call what is named toJSON. @param {unknown} part @param {Set<unknown>} seen */
function refuseFunctions(part, seen = new Set()) {
  if (isFunction(part)) throw { code: 'no_json' };
  if (typeof part !== 'object' || part === null || seen.has(part)) return;
  if ('toJSON' in part && isFunction(part.toJSON)) throw { code: 'no_json' };
  seen.add(part);
  // JSONata gives its lists a `push` of their own.
  for (const inner of Array.isArray(part) ? part : Object.values(part)) refuseFunctions(inner, seen);
}

/** @param {unknown} error @returns {{ code: string, position?: number, message?: string }} */
function failureOf(error) {
  if (error instanceof RangeError) return { code: 'too_deep' };
  const { code, position } = /** @type {Partial<JsonataError>} */ (error ?? {});
  const place = typeof position === 'number' ? { position } : {};
  if (code !== undefined && ownCodes.includes(code)) return { code, ...place };
  const guard = guardCodes.get(code ?? '');
  if (guard !== undefined) return { code: guard, ...place };
  const template = code === undefined ? undefined : templates.get(code);
  if (code === undefined || template === undefined) return { code: 'internal', ...place };
  // What $error and $assert say is made of the event.
  if (template.includes('{{{message')) return { code: 'refused_by_itself', ...place };
  return { code, ...place, message: `${filled(template, /** @type {JsonataError} */ (error))} (${code})` };
}

/**
 * JSONata's message without the values that it met; what stood in the expression itself may be repeated.
 * @param {string} template @param {JsonataError} error
 */
function filled(template, error) {
  const isOfExpression = error.code.startsWith('S');
  return template.replace(/\{\{\{?(\w+)\}?\}\}/g, (_, name) => {
    if (!isOfExpression && name !== 'token' && name !== 'index') return '…';
    const value = error[/** @type {'token'} */ (name)];
    return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : '…';
  });
}

/** JSONata's messages by code, which it does not export. */
function messageTemplates() {
  const found = jsonataSource.matchAll(/"([STDU]\d{4})": ("(?:[^"\\]|\\.)*")/g);
  return new Map(
    [...found].map(([, code, text]) => [code, /** @type {string} */ (JSON.parse(text ?? '""'))]),
  );
}

function standStill() {
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (_, args) => Reflect.construct(RealDate, args.length === 0 ? [now] : args),
  });
  // mulberry32
  Math.random = () => {
    random = (random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(random ^ (random >>> 15), random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** FNV-1a. @param {string} text */
function hash(text) {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  return sum | 0;
}
