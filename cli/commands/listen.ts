import { type components, dataOf, type PostriderClient } from '../../sdk/client/src/client.ts';
import { command } from '../command.ts';
import { CommandFailed, exitCodes, UsageError } from '../failures.ts';
import { tellBeginning, tellForwarded } from '../listen/telling.ts';
import type { Output } from '../output.ts';

type CreatedWebhook = components['schemas']['CreatedWebhook'];

/** A webhook that was made for the command goes when nobody has listened for so long: the command was killed. */
const lapsesAfterS = 3_600;
/** Sent ahead of what is said of them: few, so that their signatures are new when they are forwarded. */
const window = { least: 8, most: 100 };
const mostAtOnce = 50;
/** After Ctrl-C, the API is told no longer what came of the last ones when it is away. */
const giveUpAfterMs = 5_000;

export const listenCommand = command({
  name: 'listen',
  summary: 'forward deliveries to a receiver that has no public URL',
  details: [
    'Each is sent on with the bytes and signature headers that a URL would get; what',
    'the receiver answers is the result. Without --webhook one is made, and deleted',
    'at the end (Ctrl-C), or an hour after the command was killed.',
  ],
  args: [],
  options: {
    forward: {
      type: 'string',
      short: 'f',
      value: '<url>',
      summary: 'the receiver, such as http://localhost:3000/hook',
    },
    events: {
      type: 'string',
      short: 'e',
      multiple: true,
      value: '<types>',
      summary: 'event types, with commas between; all if absent',
    },
    webhook: { type: 'string', value: '<id>', summary: 'a webhook without a URL that is there already' },
    profile: {
      type: 'string',
      value: '<name>',
      choices: ['inbox', 'inbox-components', 'app-inbox', 'omnichannel', 'standard'],
      summary: 'the wire dialect (inbox)',
    },
    secret: { type: 'string', value: '<secret>', summary: 'the signing secret; made and shown if absent' },
    keep: { type: 'boolean', summary: 'leave the webhook there at the end' },
    concurrency: { type: 'string', value: '<n>', summary: 'so many at a time, no longer in order (1)' },
  },
  asksApi: true,
  canJson: true,
  examples: [
    'postrider listen --forward http://localhost:3000/webhooks/inbox',
    'postrider listen -f http://localhost:3000/hook -e message.read,message.failed',
  ],
  async run({ options, json, out, client, apiKey, url, signal }) {
    const to = targetOf(options.forward);
    const atOnce = numberOf(options.concurrency ?? '1');
    const events = (options.events ?? []).flatMap((list) => list.split(',')).filter((type) => type !== '');
    const isMade = options.webhook === undefined;
    if (!isMade && (events.length > 0 || (options.profile ?? options.secret) !== undefined)) {
      throw new UsageError(
        '--events, --profile and --secret are for a webhook that is made: not with --webhook',
      );
    }
    // Loaded here: other commands need none of it.
    const [{ createForwarder }, { pulledOf }] = await Promise.all([
      import('../listen/forwarder.ts'),
      import('../listen/pulled-stream.ts'),
    ]);
    const api = client();
    const webhook = isMade ? await make(api, { ...options, events, signal }) : undefined;
    const webhookId = webhook?.id ?? options.webhook ?? '';
    const giveUp = new AbortController();
    const forwarder = createForwarder({ to, api, webhookId, signal: giveUp.signal });
    tellBeginning(out, {
      json,
      webhookId,
      to,
      secret: options.secret === undefined ? webhook?.secret : undefined,
    });
    let timeoutMs = 10_000;
    let isConnected = false;
    const stream = pulledOf({
      ...{ url, apiKey: apiKey(), webhookId, signal },
      window: Math.min(window.most, Math.max(window.least, 2 * atOnce)),
      onConnected(ms) {
        timeoutMs = ms;
        if (!json && !isConnected) out.note('connected');
        isConnected = true;
      },
      onLost(why) {
        isConnected = false;
        out.note(`the connection is lost (${why}): trying again`);
      },
    });
    let onTheirWay = 0;
    const work = async () => {
      for await (const pulled of stream) {
        if (signal.aborted) return;
        onTheirWay += 1;
        tellForwarded(out, await forwarder.forward(pulled, timeoutMs), json);
        onTheirWay -= 1;
      }
    };
    signal.addEventListener('abort', () => {
      if (onTheirWay > 0) out.note('waiting for what is on its way; Ctrl-C again leaves it there');
      setTimeout(() => giveUp.abort(), giveUpAfterMs).unref();
    });
    try {
      await Promise.all(Array.from({ length: atOnce }, work));
      if (!signal.aborted) throw new CommandFailed(`${webhookId} was deleted meanwhile`);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await forwarder.close();
      if (isMade && !options.keep) await remove(api, webhookId, out);
      else if (isMade) out.note(`${webhookId} stays: postrider listen --webhook ${webhookId} goes on`);
    }
    return exitCodes.done;
  },
});

function targetOf(text: string | undefined): string {
  if (text === undefined) throw new UsageError('--forward is missing: where the receiver is');
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) {
    throw new UsageError('--forward must be an http:// or https:// URL');
  }
  return new URL(text).href;
}

function numberOf(text: string): number {
  if (!/^[1-9]\d?$/.test(text) || Number(text) > mostAtOnce) {
    throw new UsageError(`--concurrency must be a number from 1 to ${mostAtOnce}`);
  }
  return Number(text);
}

async function make(
  api: PostriderClient,
  {
    events,
    profile,
    secret,
    keep,
    signal,
  }: {
    events: string[];
    profile?: string | undefined;
    secret?: string | undefined;
    keep?: boolean | undefined;
    signal: AbortSignal;
  },
): Promise<CreatedWebhook> {
  const body = {
    url: null,
    events: events.length === 0 ? ['*'] : events,
    description: 'postrider listen',
    ...(profile === undefined ? {} : { profile: profile as CreatedWebhook['profile'] }),
    ...(secret === undefined ? {} : { secret }),
    ...(keep ? {} : { lapses_after_s: lapsesAfterS }),
  };
  return dataOf(await api.POST('/v1/webhooks', { body: body as never, signal }));
}

async function remove(api: PostriderClient, id: string, out: Output): Promise<void> {
  try {
    await api.DELETE('/v1/webhooks/{id}', {
      params: { path: { id } },
      signal: AbortSignal.timeout(5_000),
    });
  } catch {
    out.note(`${id} could not be deleted: it lapses after an hour`);
  }
}
