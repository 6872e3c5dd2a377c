import type { TestProject } from 'vitest/node';
import { startDevelopmentServer } from '../../temporal/development-server.ts';
import { findTemporalCli } from '../../temporal/find-cli.ts';
import { freePorts } from '../../temporal/free-ports.ts';
import { searchAttributes } from '../../temporal/search-attributes.ts';
import { provideOnceARun } from './once-a-run.ts';

/** Starts one Temporal development server, in memory, for all test files of a run. */
export default function startTemporal(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  return provideOnceARun(project, 'temporalAddress', async () => {
    const [port, uiPort] = await freePorts('127.0.0.1', [undefined, undefined]);
    const server = await startDevelopmentServer({
      cli: await findTemporalCli({ env: process.env, report: (line) => process.stdout.write(`${line}\n`) }),
      databaseFile: undefined,
      namespace: 'default',
      searchAttributes,
      port,
      uiPort,
      log: () => {},
    });
    return { value: server.address, end: server.stop };
  });
}
