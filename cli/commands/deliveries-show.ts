import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { attemptColumns, deliveryLines } from '../delivery-columns.ts';
import { harmless } from '../table.ts';

export const deliveriesShowCommand = command({
  name: 'deliveries show',
  summary: 'show a delivery with its attempts',
  args: [{ name: 'id', summary: 'dlv_…' }],
  options: { bodies: { type: 'boolean', summary: 'also what was sent and answered at the last attempt' } },
  asksApi: true,
  canJson: true,
  async run({ args, options, json, out, client, signal }) {
    const answer = await client().GET('/v1/deliveries/{id}', { params: { path: { id: args.id } }, signal });
    const delivery = dataOf(answer);
    if (json) {
      out.json(delivery);
      return undefined;
    }
    for (const line of deliveryLines(delivery)) out.line(line);
    out.line();
    out.table(attemptColumns, delivery.attempts, 'no attempt has been made');
    const last = delivery.attempts.at(-1);
    if (!options.bodies || last === undefined) return undefined;
    out.line(`\nsent:\n${harmless(last.request_body ?? '(nothing, or it is no longer kept)')}`);
    out.line(`\nanswered:\n${harmless(last.response_body ?? '(nothing)')}`);
    return undefined;
  },
});
