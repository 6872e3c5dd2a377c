import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';
import { nowMs } from './clock.ts';
import { healthyEndpointsOf } from './layout.ts';
import {
  type Arrivals,
  arrivalsPerSecond,
  closeLedger,
  isAcknowledged,
  type Ledger,
  type Sent,
} from './ledger.ts';
import type { LoadCalls } from './load/load-process.ts';
import type { Latencies } from './percentiles.ts';
import type { Scenario } from './scenarios.ts';
import type { SinkCalls } from './sink/sink-process.ts';
import { storeEvents } from './system/stored-events.ts';
import type { System, Variant } from './system/system.ts';
import { registerWebhooks } from './system/webhooks.ts';
import { type MachineLoad, readMachineLoad } from './usage/machine.ts';
import { type Measured, startSampler } from './usage/sampler.ts';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly drainSeconds: number;
  readonly load: Child<LoadCalls>;
  readonly sink: Child<SinkCalls>;
  readonly start: () => Promise<System>;
  /** Hears of each step, and every second of how far it is. */
  readonly progress: (line: string) => void;
}

export interface Run {
  readonly scenario: string;
  readonly variant: Variant;
  /** Before anything was started for it. */
  readonly machine: MachineLoad;
  /** The API has no such route yet: the rest says nothing. */
  readonly isMissing: boolean;
  readonly ledger: Ledger;
  /** Whether everything that was due had arrived before the waiting ended, or nothing came any more. */
  readonly ending: 'all arrived' | 'nothing moved' | 'time was up';
  readonly measured: Measured;
  /** How late an open loop sent, in ms. */
  readonly late: Latencies | undefined;
  readonly arrivedPerSecond: readonly number[];
}

/** What is still to come after so long without an arrival is lost: the sweep would have found it. */
const quietMs = 20_000;
const lookMs = 100;
const progressMs = 1_000;
/** Until what follows an arrival (its recording, the end of its workflow) is done and counted. */
const settleMs = 1_000;

/** Runs a scenario once, on a system that is started for it and is ended after it. */
export async function runScenario(options: RunOptions): Promise<Run> {
  const { scenario, variant, load, sink, progress } = options;
  const machine = await readMachineLoad();
  const urls = await sink.ask('prepare', scenario.layout);
  progress('starting');
  const system = await options.start();
  try {
    progress('registering webhooks');
    const keys = await registerWebhooks(system, scenario.layout, urls);
    if (scenario.stored > 0) {
      progress(`storing ${scenario.stored} events`);
      await system.withDatabase((database) => storeEvents(database, scenario.stored));
    }
    const send = (first: number, seconds: number) =>
      load.ask('run', {
        target: { origin: system.apiUrl, layout: scenario.layout, keys, batch: scenario.batch },
        load: scenario.load,
        seconds,
        first,
      });

    let first = 0;
    if (options.warmUpSeconds > 0) {
      const warmUp = await watched('warming up', options, send(0, options.warmUpSeconds));
      first = warmUp.sent.status.length;
      await watched('warming up', options, allArrived(options, warmUp.sent));
    }
    await sink.ask('countFrom', first);

    const sampler = startSampler({ ...system.roots(), load: load.pid, sink: sink.pid });
    const sending = `sending for ${options.seconds} s`;
    const { sent, late } = await watched(sending, options, send(first, options.seconds));
    const ending = await watched('waiting for arrivals', options, allArrived(options, sent));
    await delay(settleMs);
    const measured = sampler.stop();
    const arrivals: Arrivals = await sink.ask('arrivals', undefined);
    return {
      scenario: scenario.name,
      variant,
      machine,
      isMissing: sent.status.every((status) => status === 404 || status === 405),
      ledger: closeLedger(scenario.layout, sent, arrivals),
      ending,
      measured,
      late,
      arrivedPerSecond: arrivalsPerSecond(scenario.layout, sent, arrivals),
    };
  } finally {
    progress('stopping');
    await system.stop();
  }
}

/** Waits until all that is due has arrived, or nothing comes any more, or the time is up. */
async function allArrived({ scenario, drainSeconds, sink }: RunOptions, sent: Sent): Promise<Run['ending']> {
  const due = deliveriesDue(scenario, sent);
  const isWhole = async () =>
    closeLedger(scenario.layout, sent, await sink.ask('arrivals', undefined)).lost === 0;
  const deadline = nowMs() + drainSeconds * 1_000;
  let arrived = -1;
  let lastMoved = nowMs();
  for (;;) {
    const counts = await sink.ask('counts', undefined);
    // Events that were not acknowledged may have arrived and be counted as well.
    if (counts.arrived >= due && (await isWhole())) return 'all arrived';
    if (counts.arrived !== arrived) {
      arrived = counts.arrived;
      lastMoved = nowMs();
    }
    if (nowMs() - lastMoved > quietMs) return 'nothing moved';
    if (nowMs() > deadline) return 'time was up';
    await delay(lookMs);
  }
}

/** Deliveries of acknowledged events to endpoints that answer 200. */
function deliveriesDue({ layout }: Scenario, { first, status }: Sent): number {
  let due = 0;
  for (let event = 0; event < status.length; event++) {
    if (isAcknowledged(status[event] as number)) due += healthyEndpointsOf(layout, first + event);
  }
  return due;
}

/** Tells every second, while it is under way, what has been sent and what has arrived. */
async function watched<Result>(
  what: string,
  { load, sink, progress }: RunOptions,
  step: Promise<Result>,
): Promise<Result> {
  const tell = async () => {
    const [sent, got] = await Promise.all([load.ask('counts', undefined), sink.ask('counts', undefined)]);
    const failed = sent.failed > 0 ? ` (${sent.failed} not)` : '';
    const repeats = got.repeats > 0 ? ` (${got.repeats} again)` : '';
    progress(
      `${what}: ${sent.sent} sent, ${sent.acknowledged} acknowledged${failed}, ${got.arrived} arrived${repeats}`,
    );
  };
  const timer = setInterval(() => void tell().catch(() => {}), progressMs);
  try {
    return await step;
  } finally {
    clearInterval(timer);
  }
}
