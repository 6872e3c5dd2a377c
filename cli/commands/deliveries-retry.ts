import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const deliveriesRetryCommand = command({
  name: 'deliveries retry',
  summary: 'make one more attempt now',
  details: ['Whatever its status, and beside its schedule.'],
  args: [{ name: 'id', summary: 'dlv_…' }],
  options: {},
  asksApi: true,
  canJson: true,
  async run({ args, json, out, client, signal }) {
    const params = { path: { id: args.id } };
    const started = dataOf(await client().POST('/v1/deliveries/{id}/retry', { params, signal }));
    if (json) out.json(started);
    else out.line(`${started.attempt_id} is on its way: postrider deliveries show ${args.id}`);
    return undefined;
  },
});
