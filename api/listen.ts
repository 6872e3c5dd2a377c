import type { Response } from 'express';
import { findQueue, notePulled } from '../db/pull-queue.ts';
import type { Pulled } from '../delivery/pull-door.ts';
import type { PulledWebhook } from '../delivery/pull-settler.ts';
import { rulesOf } from '../delivery/target.ts';
import { badRequest } from './problems.ts';
import { listenHeaders, listenQuery } from './pull.schemas.ts';
import { assertOwn, findPulled, hasUrlProblem, pullTag, tellLookFailed, tooManyWaiting } from './pull.ts';
import { type Route, route, type Services } from './routes.ts';
import { webhookParams } from './webhooks.schemas.ts';

const usualTimes = {
  /** Short enough that no proxy takes the connection for idle; as often it is looked whether the caller still may listen. */
  heartbeatMs: 15_000,
  /**
   * Who has vanished is written to for as long as the network takes to find out, and who hangs for ever: that its consumer is there
   * is believed of a connection for so long.
   */
  mostMs: 300_000,
};

const getListen = route({
  method: 'get',
  path: '/v1/webhooks/{id}/listen',
  name: 'listenToWebhook',
  tag: pullTag,
  summary: 'Have the deliveries of a webhook without a URL sent along this connection',
  description:
    'Server-sent events: `ready` {timeout_ms}, then `delivery` with what `GET …/poll` shows of each, in their order. What came of them is ' +
    'said to `POST …/poll/ack`; until then no more than `window` are sent ahead. The `id` of a message is the delivery’s cursor: in ' +
    '`Last-Event-ID` it goes on after it; without, it begins with the first that is not done. After five minutes the stream ends with ' +
    '`again`: it is to be asked for again. `gone` says that the webhook was deleted.',
  access: 'account',
  scope: 'webhooks:write',
  params: webhookParams,
  headers: listenHeaders,
  query: listenQuery,
  responses: { 200: { description: 'A stream of messages (text/event-stream)' } },
  problems: { ...hasUrlProblem, 429: 'Too many are listening' },
  async handle(services, { params, headers, query, caller, isStillAllowed }) {
    const webhook = await findPulled(services, caller, params.id);
    const ofHeader = headers['Last-Event-ID'];
    const field = ofHeader === undefined ? { parameter: 'cursor' } : { header: 'Last-Event-ID' };
    const cursor = ofHeader ?? query.cursor;
    await assertOwn(services, params.id, cursor, (detail) =>
      badRequest(
        ofHeader === undefined ? 'invalid_parameter' : 'invalid_header',
        'The cursor is not one of this webhook',
        [{ ...field, detail }],
      ),
    );
    await notePulled(services.db, webhook.id);
    return {
      status: 200,
      headers: { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' },
      stream: (response) =>
        stream(response, services, {
          webhook,
          after: cursor?.number ?? 0,
          window: query.window,
          isStillAllowed,
        }),
    };
  },
});

interface Listening {
  webhook: PulledWebhook;
  after: number;
  window: number;
  isStillAllowed(): Promise<boolean>;
}

/** @throws Problem 429 */
function stream(
  response: Response,
  { db, pullDoor, onRevocation, log, listening: { heartbeatMs, mostMs } = usualTimes }: Services,
  { webhook, after, window, isStillAllowed }: Listening,
): void {
  let upTo = after;
  let isLooking = false;
  let isLookedFor = false;
  const hasEnded = () => response.destroyed || response.writableEnded;

  /** Says why, once: a second time would be an error that ends the process. */
  function end(reason?: 'again' | 'gone') {
    if (!hasEnded()) response.end(reason === undefined ? undefined : `event: ${reason}\ndata: {}\n\n`);
  }

  /** Sends on while there is room, one look at a time. */
  async function look() {
    isLookedFor = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isLookedFor && !hasEnded() && !response.writableNeedDrain) {
        isLookedFor = false;
        const room = window - (await pullDoor.countTaken(webhook, upTo, window));
        if (room <= 0) continue;
        const { pulled, upTo: last } = await pullDoor.take(webhook, { after: upTo, limit: room });
        if (last === upTo || hasEnded()) continue;
        upTo = last;
        response.write(pulled.map(message).join(''));
        isLookedFor = true;
      }
    } catch (error) {
      tellLookFailed(log, webhook, error);
    } finally {
      isLooking = false;
    }
  }

  const leave = pullDoor.watch(webhook, { look: () => void look(), end });
  if (leave === undefined) throw tooManyWaiting();
  response.flushHeaders();
  const { timeoutMs } = rulesOf(webhook);
  response.write(`retry: 500\n\nevent: ready\ndata: ${JSON.stringify({ timeout_ms: timeoutMs })}\n\n`);
  response.on('drain', () => void look());

  const endsAt = performance.now() + mostMs;
  const heartbeat = setInterval(async () => {
    // What it was told last it has not taken since the last heartbeat: it hangs, or reads too slowly.
    if (hasEnded()) return void response.destroy();
    try {
      if (performance.now() >= endsAt) end('again');
      else if (!(await isStillAllowed())) end();
      else if ((await findQueue(db, webhook.id)) === undefined) end('gone');
      else {
        await notePulled(db, webhook.id);
        if (!hasEnded()) response.write(': still here\n\n');
      }
    } catch {
      // As above.
    }
  }, heartbeatMs).unref();
  const stopHearing = onRevocation(() => {
    void isStillAllowed().then((isAllowed) => isAllowed || end());
  });
  response.once('close', () => {
    clearInterval(heartbeat);
    stopHearing();
    leave();
  });
}

function message(pulled: Pulled): string {
  return `event: delivery\nid: ${pulled.cursor}\ndata: ${JSON.stringify(pulled)}\n\n`;
}

export const listenRoutes: Route[] = [getListen];
