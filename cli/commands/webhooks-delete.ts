import { errorOf } from '../../sdk/client/src/errors.ts';
import { command } from '../command.ts';
import { UsageError } from '../failures.ts';

export const webhooksDeleteCommand = command({
  name: 'webhooks delete',
  summary: 'delete a webhook',
  details: ['Its waiting deliveries are cancelled; what was sent to it stays readable.'],
  args: [{ name: 'id', summary: 'wh_…' }],
  options: { yes: { type: 'boolean', short: 'y', summary: 'yes, delete it' } },
  asksApi: true,
  canJson: false,
  async run({ args, options, out, client, signal }) {
    if (!options.yes) {
      throw new UsageError('this cancels the deliveries that wait for it: give --yes as well');
    }
    const params = { path: { id: args.id } };
    const { response, error } = await client().DELETE('/v1/webhooks/{id}', { params, signal });
    if (!response.ok) throw errorOf(response, error);
    out.line(`${args.id} is deleted`);
    return undefined;
  },
});
