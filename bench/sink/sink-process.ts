import { answerCalls } from '../child.ts';
import { nowMs } from '../clock.ts';
import { behaviourOf, type Layout, oneToOne } from '../layout.ts';
import { seqIn } from '../payload.ts';
import { createArrivalLog } from './arrival-log.ts';
import { listen, response } from './http-server.ts';

// The receivers of all endpoints: one process, which does as little as it can for each request.

const answers = { ok: response(200, 'OK'), fails: response(500, 'Not today'), hangs: undefined };

let layout: Layout = oneToOne;
let log = createArrivalLog(layout);
const ports: number[] = [];

function onRequest(path: string, body: Buffer): Buffer | undefined {
  const endpoint = Number(path.slice(path.lastIndexOf('/') + 1));
  log.add(seqIn(body), endpoint, nowMs());
  return answers[behaviourOf(layout, endpoint)];
}

export type SinkCalls = typeof calls;

const calls = {
  /** Forgets everything and answers as the layout has it; resolves with the URLs of its endpoints. */
  async prepare(next: Layout): Promise<string[]> {
    layout = next;
    log = createArrivalLog(layout);
    while (ports.length < layout.receivers) ports.push((await listen(onRequest)).port);
    const endpoints = layout.accounts * layout.typesPerAccount * layout.fanOut;
    return Array.from(
      { length: endpoints },
      (_, endpoint) => `http://127.0.0.1:${ports[endpoint % layout.receivers]}/e/${endpoint}`,
    );
  },
  countFrom: (seq: number) => log.countFrom(seq),
  counts: () => log.counts(),
  arrivals: () => log.arrivals(),
};

answerCalls(calls);
