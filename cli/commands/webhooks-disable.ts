import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const webhooksDisableCommand = command({
  name: 'webhooks disable',
  summary: 'disable a webhook’s endpoint',
  details: ['What it would get is held until it is enabled.'],
  args: [{ name: 'id', summary: 'wh_…' }],
  options: { reason: { type: 'string', value: '<text>', summary: 'for the audit log' } },
  asksApi: true,
  canJson: true,
  async run({ args, options, json, out, client, signal }) {
    const health = dataOf(
      await client().POST('/v1/webhooks/{id}/disable', {
        params: { path: { id: args.id } },
        body: options.reason === undefined ? {} : { reason: options.reason },
        signal,
      }),
    );
    if (json) out.json(health);
    else out.line(`the endpoint of ${args.id} is ${health.state}`);
    return undefined;
  },
});
