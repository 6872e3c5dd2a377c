import type { Dispatcher } from 'undici';
import { nowMs } from '../clock.ts';

export interface Answered {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly at: number;
  readonly body: string;
}

/** As long as a producer would wait for an answer, in ms. */
const timeoutMs = 30_000;

/** One POST of JSON. Never rejects. */
export function post(
  dispatcher: Dispatcher,
  request: { origin: string; path: string; key: string; body: string },
  /** Whether the answer's body is wanted; it is empty otherwise. */
  wantsBody: boolean,
): Promise<Answered> {
  return new Promise((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    dispatcher.dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: 'POST',
        headers: ['authorization', `Bearer ${request.key}`, 'content-type', 'application/json'],
        body: request.body,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      },
      {
        // Without it undici takes the handler for one of its older kind.
        onRequestStart() {},
        onResponseStart(_, code) {
          status = code;
        },
        onResponseData(_, chunk) {
          if (wantsBody) chunks.push(chunk);
        },
        onResponseEnd() {
          resolve({ status, at: nowMs(), body: Buffer.concat(chunks).toString() });
        },
        onResponseError() {
          resolve({ status: 0, at: nowMs(), body: '' });
        },
      },
    );
  });
}
