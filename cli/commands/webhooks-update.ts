import { type components, dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { UsageError } from '../failures.ts';
import { readJson } from '../values.ts';
import { webhookLines } from '../webhook-columns.ts';
import { changeOptions, settingsOf } from '../webhook-options.ts';

type WebhookChange = components['schemas']['WebhookChange'];

export const webhooksUpdateCommand = command({
  name: 'webhooks update',
  summary: 'change some of a webhook’s settings',
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {
    endpoint: { type: 'string', value: '<url>', summary: 'where its endpoint is' },
    ...changeOptions,
  },
  asksApi: true,
  canJson: true,
  examples: [`postrider webhooks update wh_… --set '{"rate_limit": 50, "channels": null}'`],
  async run({ args, options, json, out, client, readInput, signal }) {
    const more = await readJson(options.set ?? '{}', '--set', readInput);
    const body = {
      ...(more as object),
      ...settingsOf(options),
      ...(options.endpoint === undefined ? {} : { url: options.endpoint }),
    } as WebhookChange;
    if (Object.keys(body).length === 0)
      throw new UsageError('nothing is to be changed: see postrider webhooks update --help');
    const params = { path: { id: args.id } };
    const webhook = dataOf(await client().PATCH('/v1/webhooks/{id}', { params, body, signal }));
    if (json) out.json(webhook);
    else for (const line of webhookLines(webhook)) out.line(line);
    return undefined;
  },
});
