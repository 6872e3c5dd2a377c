import { Worker } from '@temporalio/worker';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startTestPostrider } from '../setup/postrider.ts';

it('a piece of a workflow that waits for a processor does not end the process after five seconds', async () => {
  const create = vi.spyOn(Worker, 'create');
  const postrider = await startTestPostrider();
  onTestFinished(() => postrider.close());
  const worker = await (create.mock.results[0]?.value as Promise<Worker>);
  // What the SDK made of an option that it does not name: nothing else shows it before it is too late.
  expect(worker.options).toMatchObject({ isolateExecutionTimeoutMs: 120_000 });
});
