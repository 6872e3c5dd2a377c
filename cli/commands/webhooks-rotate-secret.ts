import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { secondsOf } from '../values.ts';
import { shownSecret, showSecretOption } from '../webhook-options.ts';

export const webhooksRotateSecretCommand = command({
  name: 'webhooks rotate-secret',
  summary: 'give a webhook a new signing secret',
  details: ['The one before goes on signing beside it for the overlap.'],
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {
    overlap: { type: 'string', value: '<s>', summary: 'seconds (86400); 0 ends the one before at once' },
    ...showSecretOption,
  },
  asksApi: true,
  canJson: true,
  async run({ args, options, json, out, client, signal }) {
    const rotated = dataOf(
      await client().POST('/v1/webhooks/{id}/rotate-secret', {
        params: { path: { id: args.id } },
        body:
          options.overlap === undefined ? {} : { overlap_seconds: secondsOf(options.overlap, '--overlap') },
        signal,
      }),
    );
    const secret = shownSecret(rotated.secret, options['show-secret']);
    if (json) out.json({ ...rotated, secret });
    else {
      out.line(`${args.id} has a new secret; ${rotated.signing} sign now`);
      if (rotated.previous_expires_at !== null)
        out.line(`the one before signs until ${rotated.previous_expires_at}`);
      out.line(options['show-secret'] ? `secret  ${secret}` : `it: postrider webhooks secret ${args.id}`);
    }
    return undefined;
  },
});
