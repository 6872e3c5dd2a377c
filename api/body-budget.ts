import type { Request, Response } from 'express';
import { overloaded } from './problems.ts';

/** Bounds the bytes of all bodies that are in memory at once. */
export interface BodyBudget {
  /**
   * Sets the bytes of the request's body aside until its answer has gone.
   * @throws Problem 503 when there are not so many left
   */
  setAside(request: Request, response: Response, mostBytes: number): void;
}

export function createBodyBudget(bytes: number): BodyBudget {
  let left = bytes;
  return {
    setAside(request, response, mostBytes) {
      const declared = Number(request.headers['content-length'] ?? mostBytes);
      const needed = Math.min(Number.isFinite(declared) ? declared : mostBytes, mostBytes);
      if (needed > left) throw overloaded();
      left -= needed;
      response.once('close', () => {
        left += needed;
      });
    },
  };
}
