import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { webhookLines } from '../webhook-columns.ts';

export const webhooksShowCommand = command({
  name: 'webhooks show',
  summary: 'show a webhook, and how its endpoint is',
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {},
  asksApi: true,
  canJson: true,
  async run({ args, json, out, client, signal }) {
    const api = client();
    const params = { path: { id: args.id } };
    const [webhook, health] = await Promise.all([
      api.GET('/v1/webhooks/{id}', { params, signal }).then(dataOf),
      api.GET('/v1/webhooks/{id}/health', { params, signal }).then(dataOf),
    ]);
    if (json) out.json({ ...webhook, endpoint_health: health });
    else for (const line of webhookLines(webhook, health)) out.line(line);
    return undefined;
  },
});
