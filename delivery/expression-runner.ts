import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import {
  type ExpressionFailure,
  type ExpressionFailureCode,
  type ExpressionKind,
  expressionFailure,
  expressionLimits,
} from '../webhook/expressions.ts';

/** What is to be run: without an event, it is only compiled. */
export interface ExpressionRequest {
  kind: ExpressionKind;
  expression: string;
  event?: ExpressionEvent;
  /** JSON text: what `$body` is. */
  body?: string;
}

/** An event as expressions see it. */
export interface ExpressionEvent {
  id: string;
  at_ms: number;
  /** JSON text: what `$` is. */
  json: string;
}

/** The result as JSON text (of a filter `true` or `false`, of what is only compiled nothing), or why there is none. */
export type ExpressionAnswer = { text: string } | { failure: ExpressionFailure };

/** As the process tells it: messages of our own are filled in here. */
export type ProcessAnswer =
  | { text: string }
  | { failure: { code: string; position?: number; message?: string } };

/** Runs expressions in a process of their own, one after the other. */
export interface ExpressionRunner {
  /** Never rejects. One that takes too much ends the process with it; those behind it are run in the next one. */
  run(request: ExpressionRequest): Promise<ExpressionAnswer>;
  /** What has no result by then gets none. */
  close(): void;
}

interface Asked {
  request: ExpressionRequest;
  resolve: (answer: ExpressionAnswer) => void;
}

const program = fileURLToPath(new URL('./expression-process.js', import.meta.url));
const startMs = 10_000;
/** Most end by themselves when their time is up; those that do not are ended so much later. */
const graceMs = 500;
const lookEveryMs = 100;

/** Why a process ended before it was told to: what it was at took too much, or it did not even start. */
export type ProcessEnd = 'too_long' | 'too_much_memory' | 'not_started';

/** Starts its process with the first expression: where there is none, it costs nothing. */
export function createExpressionRunner({
  log,
  onEnd = () => {},
}: {
  log: Logger;
  onEnd?: (reason: ProcessEnd) => void;
}): ExpressionRunner {
  const asked: Asked[] = [];
  let child: ChildProcess | undefined;
  let isReady = false;
  let isClosed = false;
  /** Since when the first of them runs, or the process starts. */
  let since = 0;
  let isTooLong = false;
  let timer: NodeJS.Timeout | undefined;

  function start() {
    const started = fork(program, [`${expressionLimits.resultCharacters}`, `${expressionLimits.ms}`], {
      env: {},
      // Ours, such as a debugger's port, are not for it.
      execArgv: [
        `--max-old-space-size=${expressionLimits.memoryMb}`,
        '--disallow-code-generation-from-strings',
      ],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child = started;
    isReady = false;
    isTooLong = false;
    since = performance.now();
    started.on('message', (message) => {
      if (child === started) hear(message as 'ready' | ProcessAnswer);
    });
    const end = () => {
      if (child !== started) return;
      child = undefined;
      afterEnd();
    };
    started.once('exit', end);
    started.once('error', end);
    started.unref();
    started.channel?.unref();
  }

  function hear(message: 'ready' | ProcessAnswer) {
    since = performance.now();
    if (message === 'ready') {
      isReady = true;
      for (const { request } of asked) send(request);
    } else {
      asked.shift()?.resolve(answerOf(message));
      watch();
    }
  }

  function send(request: ExpressionRequest) {
    // When it has just ended, that is heard of and the rest is sent to the next one.
    child?.send(request, () => {});
  }

  /** What it was at has ended it. */
  function afterEnd() {
    if (!isReady) {
      log.error('the process that runs expressions does not start');
      onEnd('not_started');
      giveUp();
      return;
    }
    const code = isTooLong ? 'too_long' : 'too_much_memory';
    if (asked.length > 0) {
      log.warn({ reason: code }, 'an expression was ended with its process');
      onEnd(code);
    }
    asked.shift()?.resolve(failed(code));
    if (asked.length > 0) start();
    watch();
  }

  function giveUp() {
    for (const { resolve } of asked.splice(0)) resolve(failed('not_available'));
    watch();
  }

  /** While something runs. */
  function watch() {
    if (asked.length === 0) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(() => setImmediate(look), lookEveryMs);
  }

  /** What has come meanwhile was heard before: so a moment in which this process was busy does not count. */
  function look() {
    const mostMs = isReady ? expressionLimits.ms + graceMs : startMs;
    if (asked.length === 0 || performance.now() - since < mostMs) return;
    isTooLong = true;
    child?.kill('SIGKILL');
  }

  return {
    run(request) {
      if (isClosed) return Promise.resolve(failed('not_available'));
      return new Promise((resolve) => {
        asked.push({ request, resolve });
        if (asked.length === 1) since = performance.now();
        if (child === undefined) start();
        else if (isReady) send(request);
        watch();
      });
    },
    close() {
      isClosed = true;
      child?.kill('SIGKILL');
      child = undefined;
      giveUp();
    },
  };
}

function answerOf(told: ProcessAnswer): ExpressionAnswer {
  if ('text' in told) return told;
  const { code, position = null, message } = told.failure;
  return message === undefined
    ? { failure: { ...expressionFailure(code as ExpressionFailureCode), position } }
    : { failure: { code, position, message } };
}

function failed(code: ExpressionFailureCode): ExpressionAnswer {
  return { failure: expressionFailure(code) };
}
