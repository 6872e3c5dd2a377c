import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const deliveriesCancelCommand = command({
  name: 'deliveries cancel',
  summary: 'cancel a delivery that still waits',
  args: [{ name: 'id', summary: 'dlv_…' }],
  options: {},
  asksApi: true,
  canJson: true,
  async run({ args, json, out, client, signal }) {
    const params = { path: { id: args.id } };
    const cancelled = dataOf(await client().POST('/v1/deliveries/{id}/cancel', { params, signal }));
    if (json) out.json(cancelled);
    else out.line(`${args.id} is ${cancelled.status}`);
    return undefined;
  },
});
