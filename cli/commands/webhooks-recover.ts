import { dataOf } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { momentOf, oneOf } from '../values.ts';

const statuses = ['failed', 'cancelled'] as const;

export const webhooksRecoverCommand = command({
  name: 'webhooks recover',
  summary: 'send again what has failed, at its recovery rate',
  args: [{ name: 'id', summary: 'wh_…' }],
  options: {
    since: {
      type: 'string',
      value: '<time>',
      summary: 'what ended from then on: 2025-01-15T10:25:03Z, or 2h',
    },
    until: { type: 'string', value: '<time>', summary: 'what ended until then; until now if absent' },
    status: { type: 'string', value: '<status>', choices: statuses, summary: 'how it ended (failed)' },
  },
  asksApi: true,
  canJson: true,
  examples: ['postrider webhooks recover wh_… --since 24h'],
  async run({ args, options, json, out, client, signal }) {
    const now = new Date();
    const { since = '24h', until, status } = options;
    const started = dataOf(
      await client().POST('/v1/webhooks/{id}/recover', {
        params: { path: { id: args.id } },
        body: {
          since: momentOf(since, '--since', now),
          ...(until === undefined ? {} : { until: momentOf(until, '--until', now) }),
          ...(status === undefined ? {} : { status: oneOf(status, statuses, '--status') }),
        },
        signal,
      }),
    );
    if (json) out.json(started);
    else out.line(`${started.workflow_id} sends what ended as ${started.status} since ${started.since}`);
    return undefined;
  },
});
