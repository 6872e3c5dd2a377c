import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the Temporal server that all test files share: tell its workflows apart by task queue. */
    temporalAddress: string;
    /** The file of the bundled workflows, for `startWorker`. */
    workflowBundle: string;
  }
}

type Name = keyof ProvidedContext;

/**
 * Provides a value to all projects of a run, made by the first of them that has a file to run: vitest sets projects up
 * one after the other. What ends the value is left to that project's teardown.
 */
export async function provideOnceARun(
  project: TestProject,
  name: Name,
  make: () => Promise<{ value: string; end: () => Promise<void> }>,
): Promise<(() => Promise<void>) | undefined> {
  const root = project.vitest.getRootProject();
  if (name in root.getProvidedContext()) return undefined;
  const { value, end } = await make();
  root.provide(name, value);
  return end;
}
