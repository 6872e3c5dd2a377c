import type { ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { escapePointer } from './json-limits.ts';
import type { FieldError } from './problems.ts';
import { withinTimeLimit } from './time-limit.ts';

/** The faults of a value: where each is, in it, and what. Empty when it fits. */
export type SchemaCheck = (value: unknown) => { pointer: string; detail: string }[];

/** It is no usable JSON Schema; the pointers lead into it. */
export class SchemaNotUsable extends Error {
  override readonly name = 'SchemaNotUsable';
  readonly faults: readonly { pointer: string; detail: string }[];

  constructor(faults: SchemaNotUsable['faults']) {
    super('the JSON Schema is not usable');
    this.faults = faults;
  }
}

/** The longest schema, in characters of its JSON. */
export const mostSchemaCharacters = 32_768;

/** How long compiling a schema, and checking one event by it, may take, in ms. */
export const schemaTimeLimits = { compileMs: 1_000, checkMs: 200 };

const mostFaults = 20;
const draft = 'https://json-schema.org/draft/2020-12/schema';

const options = { strict: false, allErrors: true, logger: false } as const;

/** Compiled once: what schemas themselves must fit. */
const metaSchema = withFormats(new Ajv2020(options));

/**
 * Compiles a JSON Schema of draft 2020-12, formats included. Nothing is fetched: a `$ref` that leads out of the schema is
 * refused. Each schema has a validator of its own, so that no `$id` of one is seen by another.
 * @throws SchemaNotUsable, LimitExceeded
 */
export function compileSchema(schema: object): SchemaCheck {
  refuseUnlessUsable(schema);
  const ajv = withFormats(new Ajv2020({ ...options, validateSchema: false }));
  try {
    const validate = withinTimeLimit(() => ajv.compile(schema), schemaTimeLimits.compileMs);
    return (value) =>
      withinTimeLimit(() => validate(value), schemaTimeLimits.checkMs) ? [] : faultsOf(validate.errors);
  } catch (error) {
    throw notUsable(error, schema);
  }
}

/** The same for a schema of our own, which needs no limit: a busy moment must not make it one that takes too long. */
export function compileBuiltInSchema(schema: object): SchemaCheck {
  const validate = withFormats(new Ajv2020(options)).compile(schema);
  return (value) => (validate(value) ? [] : faultsOf(validate.errors));
}

/** The faults as errors of a request whose body has the value at that pointer. */
export function fieldErrors(faults: ReturnType<SchemaCheck>, at: string): FieldError[] {
  return faults.map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail }));
}

function refuseUnlessUsable(schema: object): void {
  if (JSON.stringify(schema).length > mostSchemaCharacters) {
    throw new SchemaNotUsable([{ pointer: '', detail: `has at most ${mostSchemaCharacters} characters` }]);
  }
  const named = (schema as { $schema?: unknown }).$schema;
  if (named !== undefined && named !== draft && named !== `${draft}#`) {
    throw new SchemaNotUsable([{ pointer: '/$schema', detail: `must be ${draft}, or absent` }]);
  }
  // By a schema of our own, so in bounded time.
  if (metaSchema.validateSchema(schema) === true) return;
  throw new SchemaNotUsable(faultsOf(metaSchema.errors));
}

/** Ajv says what is wrong, not always where: then the pointer is the whole schema's. */
function notUsable(error: unknown, schema: object): unknown {
  const { missingRef } = error as { missingRef?: string };
  if (missingRef !== undefined) {
    const detail = 'refers to something that is not in this schema; nothing is fetched from elsewhere';
    const references = textsIn(schema).filter(
      ({ name, text }) => (name === '$ref' || name === '$dynamicRef') && leadsTo(missingRef, text),
    );
    return new SchemaNotUsable(at(references, detail));
  }
  if (error instanceof SyntaxError) {
    const patterns = textsIn(schema).filter(({ name, text }) => name === 'pattern' && !isExpression(text));
    return new SchemaNotUsable(at(patterns, 'holds a regular expression that is none'));
  }
  if (error instanceof Error && error.name !== 'LimitExceeded') {
    return new SchemaNotUsable([{ pointer: '', detail: `does not compile: ${error.message}` }]);
  }
  return error;
}

function leadsTo(missing: string, reference: string): boolean {
  return missing === reference || missing.endsWith(reference.replace(/^[./]+/, ''));
}

function at(places: readonly { pointer: string }[], detail: string) {
  const found = places.slice(0, mostFaults).map(({ pointer }) => ({ pointer, detail }));
  return found.length > 0 ? found : [{ pointer: '', detail }];
}

/** Every text in a value, with the name it stands under and where. */
function textsIn(part: unknown, pointer = ''): { name: string; text: string; pointer: string }[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, value]) => {
    const here = `${pointer}/${escapePointer(name)}`;
    return typeof value === 'string' ? [{ name, text: value, pointer: here }] : textsIn(value, here);
  });
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

function faultsOf(errors: readonly ErrorObject[] | null | undefined): ReturnType<SchemaCheck> {
  const faults = new Map<string, { pointer: string; detail: string }>();
  for (const error of errors ?? []) {
    const fault = faultOf(error);
    faults.set(`${fault.pointer} ${fault.detail}`, fault);
    if (faults.size === mostFaults) break;
  }
  return [...faults.values()];
}

/** A field that is missing, or is too much, is named itself and not by the object it is (not) in. Values are not repeated. */
function faultOf({ instancePath, keyword, params, message = 'does not fit' }: ErrorObject) {
  const within = (name: string) => `${instancePath}/${escapePointer(name)}`;
  if (typeof params.missingProperty === 'string') {
    return { pointer: within(params.missingProperty), detail: 'is required' };
  }
  const unknown = params.additionalProperty ?? params.unevaluatedProperty;
  if (typeof unknown === 'string') return { pointer: within(unknown), detail: 'is not known here' };
  if (keyword === 'propertyNames' && typeof params.propertyName === 'string') {
    return { pointer: within(params.propertyName), detail: 'has a name that is not taken here' };
  }
  return { pointer: instancePath, detail: message };
}

function withFormats(ajv: Ajv2020): Ajv2020 {
  addFormats.default(ajv);
  return ajv;
}
