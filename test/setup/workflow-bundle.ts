import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { provideOnceARun } from './once-a-run.ts';

const workflows = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

const traceHeader = fileURLToPath(new URL('../../workflows/trace-header.ts', import.meta.url));

/** Bundles the workflows once a run: each worker that did it itself would take a second and 84 MB. */
export default function bundleWorkflows(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  return provideOnceARun(project, 'workflowBundle', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: workflows,
      workflowInterceptorModules: [traceHeader],
      logger: new DefaultLogger('WARN'),
    });
    const folder = await mkdtemp(join(tmpdir(), 'postrider-workflows-'));
    const file = join(folder, 'workflows.js');
    await writeFile(file, code);
    return { value: file, end: () => rm(folder, { recursive: true }) };
  });
}
