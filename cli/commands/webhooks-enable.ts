import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const webhooksEnableCommand = command({
  name: 'webhooks enable',
  summary: 'enable a webhook’s endpoint',
  details: ['What was held for it goes out, oldest first.'],
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {
    discard: { type: 'boolean', summary: 'discard what was held in place of sending it' },
    reason: { type: 'string', value: '<text>', summary: 'for the audit log' },
  },
  asksApi: true,
  canJson: true,
  async run({ args, options, json, out, client, signal }) {
    const health = dataOf(
      await client().POST('/v1/webhooks/{id}/enable', {
        params: { path: { id: args.id } },
        body: {
          ...(options.discard ? { held: 'discard' as const } : {}),
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        },
        signal,
      }),
    );
    if (json) out.json(health);
    else out.line(`the endpoint of ${args.id} is ${health.state}; held for it: ${health.held}`);
    return undefined;
  },
});
