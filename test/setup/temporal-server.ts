import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { TestProject } from 'vitest/node';
import { searchAttributeNames } from '../../temporal/search-attributes.ts';
import { provideOnceARun } from './once-a-run.ts';

/** Starts one Temporal development server for all test files of a run. */
export default function startTemporal(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  return provideOnceARun(project, 'temporalAddress', async () => {
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path: process.env.TEMPORAL_CLI_PATH ?? 'temporal' },
        extraArgs: searchAttributeNames.flatMap((name) => ['--search-attribute', `${name}=KeywordList`]),
      },
    });
    return { value: environment.address, end: () => environment.teardown() };
  });
}
