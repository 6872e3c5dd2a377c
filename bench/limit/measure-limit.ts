import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, startChild } from '../child.ts';
import { type Layout, oneToOne } from '../layout.ts';
import type { SinkCalls } from '../sink/sink-process.ts';
import { makeDatabase, startPostgres } from '../system/server.ts';
import type { Variant } from '../system/system.ts';
import { type Measured, startSampler } from '../usage/sampler.ts';
import type { LimitCalls } from './limit-process.ts';

export interface Limit {
  readonly deliveredPerSecond: number;
  readonly processes: number;
  readonly measured: Measured;
  /** Whether each delivery arrived exactly once. */
  readonly isExact: boolean;
}

export interface LimitOptions {
  readonly variant: Variant;
  /** Endpoints that get each event. */
  readonly fanOut: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** For an embedded database. */
  readonly folder: string;
  readonly sink: Child<SinkCalls>;
}

/**
 * Measures what the parts could deliver at most: on PostgreSQL by as many processes as there are cores, embedded by the
 * one process that can have the database.
 */
export async function measureLimit(options: LimitOptions): Promise<Limit> {
  const { variant, fanOut, sink } = options;
  const layout: Layout = { ...oneToOne, fanOut, receivers: fanOut };
  const urls = await sink.ask('prepare', layout);
  if (variant === 'embedded') {
    const folder = join(options.folder, 'limit');
    mkdirSync(folder);
    return runProcesses(options, urls, 1, { folder }, undefined);
  }
  const postgres = await startPostgres();
  try {
    const url = await makeDatabase(postgres, 'postrider');
    return await runProcesses(options, urls, availableParallelism(), { url }, postgres.pid);
  } finally {
    await postgres.stop();
  }
}

async function runProcesses(
  { seconds, warmUpSeconds, sink }: LimitOptions,
  urls: readonly string[],
  processes: number,
  database: { url: string } | { folder: string },
  postgresPid: number | undefined,
): Promise<Limit> {
  const children = await Promise.all(
    Array.from({ length: processes }, () =>
      startChild<LimitCalls>(new URL('./limit-process.js', import.meta.url)),
    ),
  );
  try {
    for (const child of children) await child.ask('prepare', { database, urls });
    const results = Promise.all(
      children.map((child, index) => child.ask('run', { index, processes, warmUpSeconds, seconds })),
    );
    await Promise.race([results, delay(warmUpSeconds * 1_000)]);
    const sampler = startSampler({
      ...(postgresPid === undefined ? {} : { postgresql: postgresPid }),
      limit: process.pid,
      sink: sink.pid,
    });
    const all = await results;
    const measured = sampler.stop();
    const { arrived, repeats, unreadable } = await sink.ask('counts', undefined);
    const made = all.reduce((sum, result) => sum + result.made, 0);
    return {
      deliveredPerSecond: all.reduce((sum, result) => sum + result.deliveries, 0) / seconds,
      processes,
      measured,
      isExact: arrived === made && repeats === 0 && unreadable === 0,
    };
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}
