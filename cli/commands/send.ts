import { setTimeout as delay } from 'node:timers/promises';
import type { components } from '../../sdk/client/src/client.ts';
import { dataOf, type PostriderClient } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { deliveryColumns } from '../delivery-columns.ts';
import { CommandFailed, exitCodes } from '../failures.ts';
import { momentOf, readJson, secondsOf } from '../values.ts';

type Event = components['schemas']['Event'];

const pauseMs = 250;

export const sendCommand = command({
  name: 'send',
  summary: 'post an event',
  args: [{ name: 'type', summary: 'such as message.delivered' }],
  options: {
    data: {
      type: 'string',
      short: 'd',
      value: '<json>',
      summary: 'its data; @file, or - for standard input; {} if absent',
    },
    channel: { type: 'string', value: '<channel>', summary: 'the channel that it came from' },
    id: { type: 'string', value: '<id>', summary: 'its id: a repeat is the same event' },
    'deliver-at': { type: 'string', value: '<time>', summary: 'not before then: an RFC 3339 time, or 2h' },
    'expires-at': { type: 'string', value: '<time>', summary: 'nothing of it is sent later than then' },
    wait: { type: 'boolean', short: 'w', summary: 'wait until it has been delivered; 1 if it was not' },
    timeout: { type: 'string', value: '<s>', summary: 'wait for so long at most (60)' },
  },
  asksApi: true,
  canJson: true,
  examples: [
    `postrider send message.read -d '{"message_id": "msg_1"}' --wait`,
    'postrider send message.read -d @event.json --id msg-1-read',
  ],
  async run({ args, options, json, out, client, readInput, signal }) {
    const data = await readJson(options.data ?? '{}', '--data', readInput);
    const timeoutMs = secondsOf(options.timeout ?? '60', '--timeout') * 1000;
    const { 'deliver-at': deliverAt, 'expires-at': expiresAt } = options;
    const now = new Date();
    const api = client();
    const accepted = await api.sendEvent(
      {
        type: args.type,
        data: data as Record<string, unknown>,
        ...(options.channel === undefined ? {} : { channel: options.channel }),
        ...(options.id === undefined ? {} : { id: options.id }),
        ...(deliverAt === undefined ? {} : { deliver_at: momentOf(deliverAt, '--deliver-at', now, 'ahead') }),
        ...(expiresAt === undefined ? {} : { expires_at: momentOf(expiresAt, '--expires-at', now, 'ahead') }),
      },
      { signal },
    );
    if (!options.wait) {
      if (json) out.json(accepted);
      else out.line(`${accepted.id} is stored, and goes out${deliverAt === undefined ? '' : ' in its time'}`);
      return exitCodes.done;
    }
    const event = await ended(api, accepted.id, { timeoutMs, signal });
    if (json) out.json(event);
    else {
      out.line(`${accepted.id} is stored`);
      out.table(deliveryColumns, event.deliveries, 'no webhook subscribes to it');
    }
    return event.deliveries.every(({ status }) => status === 'succeeded') ? exitCodes.done : exitCodes.failed;
  },
});

/** The event, once all its deliveries have ended. @throws CommandFailed when they have not in time */
async function ended(
  api: PostriderClient,
  id: string,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Event> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const event = dataOf(await api.GET('/v1/events/{id}', { params: { path: { id } }, signal }));
    const open = event.deliveries.filter(({ ended_at }) => ended_at === null);
    if (open.length === 0 && event.status !== 'scheduled') return event;
    if (Date.now() >= deadline) {
      const { id: first = id, status, reason } = open[0] ?? { status: event.status, reason: null };
      const why = reason ? ` (${reason})` : '';
      throw new CommandFailed(
        `${id} has not been delivered within ${timeoutMs / 1000} s: ${first} is ${status}${why}`,
      );
    }
    await delay(pauseMs, undefined, { signal });
  }
}
