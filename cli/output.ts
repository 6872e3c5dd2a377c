import { type Column, tableLines } from './table.ts';

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What a command says. */
export interface Output {
  /** Whether people look at it. */
  readonly isTerminal: boolean;
  /** Of a terminal; undefined where lines may be of any length. */
  readonly width: number | undefined;
  /** A line of the answer. Control characters in it are made visible. */
  line(text?: string): void;
  /** The answer itself as JSON, on several lines. */
  json(value: unknown): void;
  /** Rows under their headings; no rows are told by `none`. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], none: string): void;
  /** As it is, without a line's end: for a live list, say. */
  raw(text: string): void;
  /** A line on standard error: what goes on beside the answer. */
  note(text: string): void;
  /** In a colour, where there are any. */
  paint(colour: Colour, text: string): string;
}

const colours = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof colours;

export function createOutput(out: Stream, err: Stream, env: NodeJS.ProcessEnv): Output {
  const isTerminal = out.isTTY === true;
  const hasColours = isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  const width = isTerminal ? (out.columns ?? 80) : undefined;
  return {
    isTerminal,
    width,
    line: (text = '') => void out.write(`${text}\n`),
    json: (value) => void out.write(`${JSON.stringify(value, null, 2)}\n`),
    table(columns, rows, none) {
      if (rows.length === 0) out.write(`${none}\n`);
      else for (const line of tableLines(columns, rows, width)) out.write(`${line}\n`);
    },
    raw: (text) => void out.write(text),
    note: (text) => void err.write(`${text}\n`),
    paint: (colour, text) => (hasColours ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text),
  };
}
