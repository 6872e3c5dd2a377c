import { join } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take the most, the longest first: begun last, one of them would keep a run waiting with nothing beside it. */
const longFiles = [
  'faults/processes',
  'workflows/endpoint-limits',
  'start',
  'faults/postgres',
  'faults/restore',
  'workflows/endpoint-health',
  'faults/graceful-stop',
  'demo',
  'scripts/start',
  'workflows/recover-webhook',
  'workflows/endpoint-health-killed',
  'processes',
  'workflows/head-start',
  'workflows/announce-inbox',
].map((name) => join('test', `${name}.test.ts`));

/** A new checkout knows no times of an earlier run, by which vitest would go: by their size, it begins some long files last. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = longFiles.findIndex((file) => moduleId.endsWith(file));
      return index === -1 ? longFiles.length : index;
    };
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return sorted.sort(
      (one, other) =>
        projects.indexOf(one.project) - projects.indexOf(other.project) || rank(one) - rank(other),
    );
  }
}
