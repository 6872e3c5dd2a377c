import { command } from '../command.ts';
import { loggedAttemptColumns } from '../delivery-columns.ts';
import { limitOption, takeRows } from '../lists.ts';

export const webhooksLogsCommand = command({
  name: 'webhooks logs',
  summary: 'list what was sent to a webhook, newest first',
  args: [{ name: 'id', summary: 'wh_…' }],
  options: limitOption,
  asksApi: true,
  canJson: true,
  async run({ args, options, json, out, client, signal }) {
    const rows = await takeRows(options.limit, (limit) =>
      client().list('/v1/webhooks/{id}/logs', { path: { id: args.id }, query: { limit }, signal }),
    );
    if (json) out.json(rows);
    else out.table(loggedAttemptColumns, rows, 'nothing was sent to it');
    return undefined;
  },
});
