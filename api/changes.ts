import type { Response } from 'express';
import type { Change } from '../db/changes.ts';
import type { ChangesListener } from '../delivery/changes-feed.ts';
import { changesHeaders, changesQuery } from './changes.schemas.ts';
import { Problem } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';

/** Short enough that no proxy takes the connection for idle; and as often it is looked whether the caller still may listen. */
const heartbeatMs = 15_000;
/** Bytes that a client may be behind before it is told no more until it has read them. */
const mostUnreadBytes = 128 * 1024;

const watchChanges = route({
  method: 'get',
  path: '/v1/changes',
  name: 'watchChanges',
  tag: 'Changes',
  summary: 'Watch what changes, as server-sent events',
  description:
    'Messages `attempt` {id, delivery_id, webhook_id, status of the delivery}, `event` {id} of a new event and its deliveries, ' +
    '`delivery` {id, webhook_id, status} of one that was cancelled, `webhook` {id, endpoint_state}: ids and states only, within ' +
    '2 s of the change. The `id` of a message, in `Last-Event-ID`, goes on after it, for ten minutes; what is near may come ' +
    'twice. `reset` says that more has changed than is told one by one, or than is still known: read anew what you show. ' +
    '`ready` says that from here on nothing is missed.',
  access: 'account',
  headers: changesHeaders,
  query: changesQuery,
  responses: { 200: { description: 'A stream of messages (text/event-stream)' } },
  problems: { 429: 'Too many are listening' },
  async handle({ changes, onRevocation }, { headers, query, caller, isStillAllowed }) {
    const after = headers['Last-Event-ID'] ?? query.last_event_id;
    return {
      status: 200,
      headers: { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' },
      stream: (response) =>
        stream(response, { changes, accountId: caller.account_id, after, isStillAllowed, onRevocation }),
    };
  },
});

interface Streaming {
  changes: Services['changes'];
  accountId: Parameters<Services['changes']['listen']>[0];
  after: number | undefined;
  isStillAllowed(): Promise<boolean>;
  onRevocation: Services['onRevocation'];
}

/** @throws Problem 429 */
function stream(
  response: Response,
  { changes, accountId, after, isStillAllowed, onRevocation }: Streaming,
): void {
  let isReady = false;
  /** It has been told less than there was: it gets a `reset` when it has read what was sent. */
  let isBehind = false;
  let isStuck = false;

  function send(text: string) {
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > mostUnreadBytes) isBehind = true;
  }

  const listener: ChangesListener = {
    ready(cursor) {
      isReady = true;
      send(message('ready', cursor));
    },
    tell(told, cursor) {
      if (!isBehind) send(told.map(({ event, data }) => message(event, cursor, data)).join(''));
    },
    reset(cursor) {
      if (!isBehind) send(message('reset', cursor));
    },
    end: () => response.end(),
  };
  response.on('drain', () => {
    if (!isBehind) return;
    isBehind = false;
    isStuck = false;
    listener.reset(changes.cursor());
  });

  const leave = changes.listen(accountId, after, listener);
  if (leave === undefined) {
    throw new Problem({
      status: 429,
      code: 'too_many_listeners',
      detail: 'Too many are listening to changes already',
      headers: { 'Retry-After': '10' },
    });
  }
  response.flushHeaders();
  send('retry: 500\n\n');

  const heartbeat = setInterval(async () => {
    if (isBehind && isStuck) {
      // It has read nothing for so long.
      response.destroy();
      return;
    }
    isStuck = isBehind;
    if (!(await isStillAllowed())) response.end();
    else if (isReady && !isBehind) send(`id: ${changes.cursor()}\n: still here\n\n`);
  }, heartbeatMs);
  heartbeat.unref();
  const stopHearing = onRevocation(async () => {
    if (!(await isStillAllowed())) response.end();
  });
  response.once('close', () => {
    clearInterval(heartbeat);
    stopHearing();
    leave();
  });
}

function message(
  event: Change['event'] | 'ready' | 'reset',
  cursor: number,
  data: Change['data'] = {},
): string {
  return `event: ${event}\nid: ${cursor}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const changesRoutes: Route[] = [watchChanges];
