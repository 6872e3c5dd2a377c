import type { JsonValue } from './profile.ts';

/** Whether the value is a JSON object: neither null nor a list nor a plain value. */
export function isJsonObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
