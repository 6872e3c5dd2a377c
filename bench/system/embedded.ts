import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedDatabase } from '../../db/database.ts';
import { freePorts } from '../../temporal/free-ports.ts';
import { startPostriderProcess } from './postrider-process.ts';
import type { System, SystemOptions } from './system.ts';

/** Everything in one folder: PGlite in Postrider's process, and the development server that it starts. */
export async function startEmbeddedSystem(options: SystemOptions): Promise<System> {
  const folder = join(options.folder, 'data');
  mkdirSync(folder, { mode: 0o700 });
  const [temporalPort, temporalUiPort] = await freePorts('127.0.0.1', [undefined, undefined]);
  const start = () =>
    startPostriderProcess(options, {
      DATA_DIR: folder,
      TEMPORAL_PORT: `${temporalPort}`,
      TEMPORAL_UI_PORT: `${temporalUiPort}`,
    });
  let postrider = await start();
  return {
    get apiUrl() {
      return postrider.apiUrl;
    },
    get adminKey() {
      return postrider.adminKey;
    },
    roots: () => ({ postrider: postrider.pid }),
    async withDatabase(work) {
      await postrider.stop();
      const database = await openEmbeddedDatabase({ folder: join(folder, 'database') });
      await work(database).finally(database.close);
      postrider = await start();
    },
    async stop() {
      await postrider.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
