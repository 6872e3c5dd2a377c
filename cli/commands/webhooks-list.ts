import { command } from '../command.ts';
import { limitOption, takeRows } from '../lists.ts';
import { webhookColumns } from '../webhook-columns.ts';

export const webhooksListCommand = command({
  name: 'webhooks list',
  summary: 'list webhooks, newest first',
  args: [],
  options: limitOption,
  asksApi: true,
  canJson: true,
  async run({ options, json, out, client, signal }) {
    const rows = await takeRows(options.limit, (limit) =>
      client().list('/v1/webhooks', { query: { limit }, signal }),
    );
    if (json) out.json(rows);
    else out.table(webhookColumns, rows, 'there are none: postrider webhooks create <url> --events …');
    return undefined;
  },
});
