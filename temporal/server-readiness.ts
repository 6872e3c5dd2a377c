import { Connection } from '@temporalio/client';
import type { Output } from './child-output.ts';
import { ensureSearchAttributes } from './ensure-search-attributes.ts';
import type { GuardedChild } from './guarded-child.ts';
import type { SearchAttributes } from './search-attributes.ts';

/** Undefined once the server can be used; what is wrong when it ends before, or takes too long. */
export async function whyNotReady(server: {
  child: GuardedChild;
  output: Output;
  host: string;
  port: number;
  namespace: string;
  searchAttributes: SearchAttributes;
  readyMs: number;
}): Promise<string | undefined> {
  const deadline = Date.now() + server.readyMs;
  const ended = server.child.exited.then((how) => `ended at its start (${how})`);
  const late = `did not answer within ${server.readyMs / 1000} s`;
  // It says so once it listens; on its port another server might answer, so that asking is not enough.
  const announced = server.output.said(new RegExp(`Server:.*:${server.port}\\b`)).then(() => undefined);
  const silent = await first(server.readyMs, late, announced, ended);
  if (silent !== undefined) return silent;

  const connection = Connection.lazy({ address: `${server.host}:${server.port}` });
  try {
    while (!server.child.hasExited()) {
      if (Date.now() >= deadline) return late;
      if (await isUsable(connection, server)) return undefined;
      await new Promise((done) => setTimeout(done, 50));
    }
    return await ended;
  } finally {
    await connection.close();
  }
}

async function isUsable(
  connection: Connection,
  { namespace, searchAttributes }: { namespace: string; searchAttributes: SearchAttributes },
): Promise<boolean> {
  try {
    return await connection.withDeadline(Date.now() + 1_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      return await ensureSearchAttributes(connection, namespace, searchAttributes);
    });
  } catch {
    return false;
  }
}

async function first<Result>(ms: number, late: Result, ...others: Promise<Result>[]): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Result>((resolve) => {
    timer = setTimeout(resolve, ms, late);
  });
  try {
    return await Promise.race([timeout, ...others]);
  } finally {
    clearTimeout(timer);
  }
}
