export interface Column<Row> {
  readonly heading: string;
  readonly text: (row: Row) => string;
}

const gap = '  ';

/**
 * Rows as lines under their headings. With a width the last column is cut to it, with `…`. What rows hold comes from others:
 * control characters, which a terminal would obey, are shown as `�`.
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | undefined,
): string[] {
  const cells = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map(({ text }) => oneLine(text(row)))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => lengthOf(line[index] ?? ''))));
  return cells.map((line) => {
    const text = line
      .map((cell, index) => (index === line.length - 1 ? cell : padded(cell, widths[index] ?? 0)))
      .join(gap)
      .trimEnd();
    return width === undefined ? text : cut(text, width);
  });
}

/** Text of others on one line, with control characters made visible. */
export function oneLine(text: string): string {
  return text.replace(/\s*\r?\n\s*/g, ' ').replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
}

/** Text of others, its lines kept. */
export function harmless(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, '\ufffd');
}

/** So many characters at most, `…` for what is left out. */
export function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, Math.max(0, most - 1)).join('')}…`;
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}

function lengthOf(text: string): number {
  return [...text].length;
}
