import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const webhooksTestCommand = command({
  name: 'webhooks test',
  summary: 'send a webhook an example event',
  details: ['To this webhook alone, whether it subscribed to the type or not, in one attempt.'],
  args: [
    { name: 'id', summary: 'wh_…' },
    { name: 'type', summary: 'such as message.delivered' },
  ],
  options: {},
  asksApi: true,
  canJson: true,
  async run({ args, json, out, client, signal }) {
    const body = { webhook_id: args.id, event_type: args.type };
    const started = dataOf(await client().POST('/v1/webhooks/test', { body, signal }));
    if (json) out.json(started);
    else out.line(`${started.event_id} is on its way: postrider deliveries show ${started.delivery_id}`);
    return undefined;
  },
});
