import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import jsonata from 'jsonata';

/**
 * What JSONata keeps between runs is the same for all accounts, as long as the process runs: its functions, and expressions once
 * they are compiled. Here it is held as it was, so that no expression finds what another has left. Each wall stands by itself: an
 * expression does not get at these, and if it did, they could not be changed.
 */

export const jsonataSource = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8');

/**
 * JSONata's functions can neither be changed nor looked into, and keep nothing of their last call.
 * @param {() => number} now
 * @returns those that JSONata makes anew for each expression
 */
export async function holdBuiltIns(now) {
  const names = [...jsonataSource.matchAll(/staticFrame\.bind\('(\w+)'/g)].map(([, name]) => name);
  if (names.length < 60) throw new Error('the functions of JSONata were not found');
  const found = await Promise.all(
    ['now', 'millis', ...names].map(async (name) => [name, await jsonata(`$${name}`).evaluate(null)]),
  );
  const { now: clockNow, millis, ...others } = Object.fromEntries(found);
  /** @param {string} [picture] @param {string} [timezone] */
  clockNow.implementation = (picture, timezone) => others.fromMillis.implementation(now(), picture, timezone);
  millis.implementation = now;
  others.eval.implementation = () => {
    throw { code: 'no_eval' };
  };
  for (const builtIn of [clockNow, millis, ...Object.values(others)]) hold(builtIn);
  // Of `$f ~> $g` JSONata makes a function of its own, whose text all expressions share, as they share what is global.
  const chain = await jsonata('$trim ~> $trim').evaluate(null);
  for (const part of [chain.arguments, chain.body, chain.environment.global]) freeze(part);
  return { now: clockNow, millis };
}

/** @param {Record<string, unknown>} builtIn */
function hold(builtIn) {
  for (const [key, value] of Object.entries(builtIn)) {
    freeze(value);
    Object.defineProperty(builtIn, key, { enumerable: false });
  }
  // JSONata notes there, at each call, by which name and where it was called.
  for (const key of ['token', 'position']) {
    Object.defineProperty(builtIn, key, { get: () => undefined, set: () => {}, enumerable: false });
  }
  Object.freeze(builtIn);
}

/** @param {unknown} part */
function freeze(part) {
  if (part === null || (typeof part !== 'object' && typeof part !== 'function') || Object.isFrozen(part))
    return;
  Object.freeze(part);
  for (const inner of Object.values(part)) freeze(inner);
}

/**
 * An event's JSON, without what JSONata would take for functions: its own marks, in whatever way they are written.
 * @param {string} text
 */
export function parsedValues(text) {
  const mayMark = text.includes('_jsonata_') || text.includes('\\u');
  return JSON.parse(
    text,
    mayMark ? (name, value) => (name.startsWith('_jsonata_') ? undefined : value) : undefined,
  );
}

/**
 * What an event holds is never run as an expression, and an expression is the same at each of its runs.
 * @param {unknown} part of a syntax tree
 */
export function holdSyntax(part) {
  if (typeof part !== 'object' || part === null || Object.isFrozen(part)) return;
  Object.freeze(withGuards(part));
  const { type, value, position } = /** @type {Record<string, unknown>} */ (part);
  if (type === 'variable' && value === 'eval') {
    throw { code: 'no_eval', position };
  }
  for (const inner of Object.values(part)) holdSyntax(inner);
}

/**
 * @typedef {{ type?: unknown, value?: unknown, position?: unknown, pattern?: unknown, lhs?: unknown }} Part
 * @param {Part} part
 */
function withGuards(part) {
  // `… ~> |pattern|update|` writes into whatever its pattern gives: into values alone, not into functions, which lead to what is
  // not the expression's own.
  if (part.type === 'transform') {
    part.pattern = guarded(onlyValues, /** @type {Part} */ (part.pattern), part.position);
  }
  // An object whose `then` can be called is a promise to JavaScript, which would wait for it for ever.
  if (Array.isArray(part.lhs)) {
    for (const pair of part.lhs) {
      const [name, value] = pair;
      if (mayBeThen(name)) pair[1] = guarded(noFunction, value, name.position ?? part.position);
    }
  }
  return part;
}

/** @param {(value: unknown) => unknown} guard @param {Part} part @param {unknown} position */
function guarded(guard, part, position) {
  return { type: 'function', position, procedure: { type: 'value', value: guard }, arguments: [part] };
}

/** @param {Part} name */
function mayBeThen({ type, value }) {
  return type !== 'string' || value === 'then';
}

/** JSONata gives functions as those of JavaScript. @param {unknown} value */
function noFunction(value) {
  if (typeof value === 'function') throw { code: 'no_then' };
  return value;
}

/** @param {unknown} matches */
function onlyValues(matches) {
  // A list of its own, which what is written cannot change on the way.
  const list = Array.isArray(matches) ? [...matches] : matches;
  if ([list].flat().some(isFunction)) throw { code: 'no_change' };
  return list;
}

/** @param {unknown} value */
export function isFunction(value) {
  if (typeof value === 'function') return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    ('_jsonata_lambda' in value || '_jsonata_function' in value)
  );
}
