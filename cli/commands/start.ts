import { roles } from '../../roles.ts';
import { command } from '../command.ts';
import { UsageError } from '../failures.ts';

export const startCommand = command({
  name: 'start',
  summary: 'run Postrider: API, worker, and what they need',
  details: ['Settings come from the environment (README.md). Ctrl-C stops it in order.'],
  args: [{ name: 'part', summary: `${roles.join(', ')} (both if absent)`, optional: true, choices: roles }],
  options: {},
  asksApi: false,
  canJson: false,
  examples: ['postrider start', 'DATABASE_URL=… TEMPORAL_ADDRESS=… postrider start worker'],
  async run({ args, env }) {
    if (args.part !== undefined && !roles.some((role) => role === args.part)) {
      throw new UsageError(`start takes ${roles.join(', ')}, not ${JSON.stringify(args.part)}`);
    }
    const { main } = await import('../../main.ts');
    await main(args.part === undefined ? [] : [args.part], env);
    return undefined;
  },
});
