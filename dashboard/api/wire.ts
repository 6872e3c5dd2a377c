import type { z } from 'zod';

/** A value as JSON carries it: a Date is its text. */
type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** What the API answers, by the very schema that it describes its answers with. */
export type Answer<Schema extends z.ZodType> = Wire<z.output<Schema>>;

/** What the API takes, by the very schema that it checks requests with. */
export type Asked<Schema extends z.ZodType> = z.input<Schema>;

export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}
