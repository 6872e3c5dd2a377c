import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** The process's log: JSON lines on stdout, or lines for people when stdout is a terminal. Each line has what `mixin` gives. */
export function createLog(level: string, mixin?: () => object): Logger {
  const options = { level, base: { pid: process.pid }, ...(mixin === undefined ? {} : { mixin }) };
  return process.stdout.isTTY ? pino(options, pretty({ ignore: 'pid,hostname', sync: true })) : pino(options);
}
