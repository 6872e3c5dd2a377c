import { expect, it, onTestFinished } from 'vitest';
import { form, timeoutMs } from './rig/form.ts';
import { serversOfTests } from './rig/servers.ts';
import { startServerSystem } from './rig/system.ts';
import { tryFault } from './rig/trial.ts';

// What docker-compose.yml runs, as processes: `npm run test:cluster` has the full Temporal server, on the same PostgreSQL, and
// open to those alone who have a certificate.
const servers = serversOfTests({ max_connections: '200' }, { sharePostgres: true, wantsCertificates: true });

/** Between one process' being ready and the next one's stop. */
const pauseMs = 500;
/** Before the kill: what was under way until then is no longer excused by it. */
const quietMs = 3_500;

it('cluster: two APIs and two workers roll out one after the other, a worker is killed, and no request or event is lost', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem({ ...servers, roles: ['api', 'api', 'worker', 'worker'] });
  onTestFinished(system.close);
  const victim = system.processes.at(-1) as (typeof system.processes)[number];
  const { books } = await tryFault('cluster', system, {
    repeats: 'in flight',
    hurt: async ({ interruptions, wait }) => {
      for (let round = 0; round < form.stops; round += 1) {
        if (round > 0) await wait(quietMs);
        await interruptions.during(async () => {
          await victim.kill();
          await victim.start();
        });
        await wait(pauseMs);
        // No interruption: what is late or repeated now has no excuse.
        for (const one of system.processes) {
          await system.rotation.without(one, async () => {
            expect(await one.stop()).toBe('exit code 0');
            await one.start();
          });
          await wait(pauseMs);
        }
      }
    },
  });
  expect(books).toMatchObject({ otherwise: 0, unanswered: 0, unacknowledged: 0 });
});
