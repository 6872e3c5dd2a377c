import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { GuardedChild } from './guarded-child.ts';

const mostTailLines = 15;

export interface Output {
  /** The last lines. */
  tail(): string[];
  /** Resolves when a line says it. */
  said(pattern: RegExp): Promise<void>;
}

/** Reads what a child prints, line by line, and keeps the end of it. */
export function followOutput(child: GuardedChild, log: (line: string) => void): Output {
  const tail: string[] = [];
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  const follow = (stream: Readable) =>
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() === '') return;
      tail.push(line);
      if (tail.length > mostTailLines) tail.shift();
      log(line);
      for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve();
    });
  follow(child.stdout);
  follow(child.stderr);
  return {
    tail: () => [...tail],
    said: (pattern) =>
      new Promise((resolve) => {
        if (tail.some((line) => pattern.test(line))) resolve();
        else waiting.push({ pattern, resolve });
      }),
  };
}
