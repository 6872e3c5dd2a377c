import { fileURLToPath } from 'node:url';
import { type ActivityInterceptorsFactory, type NativeConnection, Worker } from '@temporalio/worker';

export interface RunningWorker {
  /** Resolves, with the reason, when the worker fails for good; never after `stop`. */
  readonly failed: Promise<string>;
  /** @throws Error when it takes no tasks */
  assertRunning(): void;
  /** Takes no more tasks, and resolves once the activities under way have ended. */
  stop(): Promise<void>;
}

const source = (name: string) => fileURLToPath(new URL(`../workflows/${name}.ts`, import.meta.url));

/** How long a stopping worker waits for what is under way: longer than the longest attempt (30 s) with its recording. */
export const drainMs = 40_000;

/**
 * How long a piece of a workflow may take. When that time is up Node 20 ends the process, since its account of promises is wrong then
 * (nodejs/node#38503, temporalio/sdk-typescript#939): the SDK's own 5 s were met where the thread had to wait for a processor. The
 * SDK takes it among its options, but does not say so.
 */
const workflowPatience = { isolateExecutionTimeout: '2 minutes' };

/**
 * Starts a worker for all workflows and activities of Postrider. `workflowBundle` is the file of the bundled workflows;
 * without it they are bundled from their sources, which takes a second or two.
 */
export async function startWorker(options: {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  activities: object;
  workflowBundle: string | undefined;
  activityInterceptors?: ActivityInterceptorsFactory[];
}): Promise<RunningWorker> {
  const worker = await Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    activities: options.activities,
    ...(options.workflowBundle === undefined
      ? { workflowsPath: source('index') }
      : { workflowBundle: { codePath: options.workflowBundle } }),
    interceptors: {
      ...(options.activityInterceptors === undefined ? {} : { activity: options.activityInterceptors }),
      ...(options.workflowBundle === undefined ? { workflowModules: [source('trace-header')] } : {}),
    },
    // A worker that was killed keeps its sticky queue this long.
    stickyQueueScheduleToStartTimeout: '5s',
    shutdownGraceTime: drainMs,
    ...workflowPatience,
    // An attempt that waits for its receiver takes next to nothing; each endpoint holds a bounded share of these.
    maxConcurrentLocalActivityExecutions: 400,
    maxConcurrentActivityTaskExecutions: 1_000,
    // A workflow task lasts as long as the local activity in it.
    maxConcurrentWorkflowTaskExecutions: 400,
    // Also those that wait for months take memory, as endpoints' health does. What is not held is replayed when it goes on.
    maxCachedWorkflows: 500,
  });
  const ended = worker.run();
  const failed = new Promise<string>((resolve) => {
    ended.catch((error: unknown) => resolve(`the Temporal worker failed: ${error}`));
  });
  return {
    failed,
    assertRunning() {
      if (worker.getState() !== 'RUNNING') throw new Error(`the worker is ${worker.getState()}`);
    },
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended.catch(() => {
        // Told through `failed`.
      });
    },
  };
}
