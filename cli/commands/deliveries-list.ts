import { command } from '../command.ts';
import { deliveryColumns } from '../delivery-columns.ts';
import { limitOption, takeRows } from '../lists.ts';
import { momentOf } from '../values.ts';

export const deliveriesListCommand = command({
  name: 'deliveries list',
  summary: 'list deliveries, newest first',
  args: [],
  options: {
    status: {
      type: 'string',
      value: '<status>',
      choices: ['pending', 'held', 'queued', 'failing', 'succeeded', 'failed', 'cancelled', 'expired'],
      summary: 'only such ones; several with commas between',
    },
    webhook: { type: 'string', value: '<id>', summary: 'only this webhook’s' },
    event: { type: 'string', value: '<id>', summary: 'only this event’s' },
    type: { type: 'string', value: '<type>', summary: 'only of events of this type' },
    channel: { type: 'string', value: '<channel>', summary: 'only of events from this channel' },
    since: { type: 'string', value: '<time>', summary: 'from then on: 2025-01-15T10:25:03Z, or 2h ago' },
    until: { type: 'string', value: '<time>', summary: 'before then' },
    search: { type: 'string', short: 's', value: '<text>', summary: 'only where the event’s data holds it' },
    ...limitOption,
  },
  asksApi: true,
  canJson: true,
  examples: ['postrider deliveries list --status failed --since 24h'],
  async run({ options, json, out, client, signal }) {
    const { status, webhook, event, type, channel, since, until, search } = options;
    const now = new Date();
    const query = {
      ...(status === undefined ? {} : { status }),
      ...(webhook === undefined ? {} : { webhook_id: webhook }),
      ...(event === undefined ? {} : { event_id: event }),
      ...(type === undefined ? {} : { type }),
      ...(channel === undefined ? {} : { channel }),
      ...(since === undefined ? {} : { since: momentOf(since, '--since', now) }),
      ...(until === undefined ? {} : { until: momentOf(until, '--until', now) }),
      ...(search === undefined ? {} : { q: search }),
    };
    const rows = await takeRows(options.limit, (limit) =>
      client().list('/v1/deliveries', { query: { ...query, limit }, signal }),
    );
    if (json) out.json(rows);
    else out.table(deliveryColumns, rows, 'there are none');
    return undefined;
  },
});
