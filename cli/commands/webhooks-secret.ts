import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';

export const webhooksSecretCommand = command({
  name: 'webhooks secret',
  summary: 'print a webhook’s signing secret',
  details: ['For an ed25519 key (whsk_) the public key, which receivers verify with, follows.'],
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {},
  asksApi: true,
  canJson: true,
  async run({ args, json, out, client, signal }) {
    const params = { path: { id: args.id } };
    const secret = dataOf(await client().GET('/v1/webhooks/{id}/secret', { params, signal }));
    if (json) out.json(secret);
    else for (const line of [secret.secret, secret.public_key]) if (line !== undefined) out.line(line);
    return undefined;
  },
});
