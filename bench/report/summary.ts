import type { Limit } from '../limit/measure-limit.ts';
import { median } from '../percentiles.ts';
import type { Run } from '../run-scenario.ts';
import { scenarios } from '../scenarios.ts';
import type { Variant } from '../system/system.ts';
import type { GroupName } from '../usage/groups.ts';
import { mostIdleBusy } from '../usage/machine.ts';

/** Whose processor time and memory are Postrider's to answer for. */
export const systemGroups = ['postrider', 'temporal', 'postgresql'] as const satisfies readonly GroupName[];
export type SystemGroup = (typeof systemGroups)[number];

/** The runs of one scenario on one variant, each figure their median; undefined where there is none. */
export interface Summary {
  readonly scenario: string;
  readonly title: string;
  readonly variant: Variant;
  readonly runs: number;
  readonly isMissing: boolean;
  readonly acceptedPerSecond: number | undefined;
  readonly deliveredPerSecond: number | undefined;
  readonly ackP50: number | undefined;
  readonly ackP99: number | undefined;
  readonly arrivalP50: number | undefined;
  readonly arrivalP99: number | undefined;
  /** Seconds of processor time for 1,000 events. */
  readonly cpuPerThousand: Readonly<Record<SystemGroup | 'all', number | undefined>>;
  readonly peakMemoryBytes: Readonly<Record<SystemGroup, number | undefined>>;
  /** What the parts could deliver a second at most, and the share of it that was. Only of closed loops. */
  readonly limitPerSecond: number | undefined;
  readonly shareOfLimit: number | undefined;
  /** Of all runs together. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly arrivedTwice: number;
  /** What makes the figures doubtful, or needs saying. */
  readonly notes: readonly string[];
}

export type LimitOf = (variant: Variant, fanOut: number) => readonly Limit[];

/** One summary for each scenario and variant that was run, in that order. */
export function summarise(runs: readonly Run[], limitOf: LimitOf): Summary[] {
  return (['embedded', 'server'] as const).flatMap((variant) =>
    scenarios.flatMap(({ name }) => {
      const those = runs.filter((run) => run.scenario === name && run.variant === variant);
      return those.length === 0 ? [] : [summaryOf(those, limitOf)];
    }),
  );
}

function summaryOf(runs: readonly Run[], limitOf: LimitOf): Summary {
  const { scenario: name, variant } = runs[0] as Run;
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  const isMissing = runs.every((run) => run.isMissing);
  const of = (figure: (run: Run) => number | undefined) =>
    isMissing ? undefined : median(runs.flatMap((run) => figure(run) ?? []));
  const cpuOf = (run: Run, group: SystemGroup) => {
    const cpuSeconds = run.measured.groups?.[group]?.cpuSeconds;
    return cpuSeconds === undefined ? undefined : (cpuSeconds / run.ledger.acknowledged) * 1_000;
  };
  const deliveredPerSecond = of(({ ledger }) => perSecond(ledger.arrived, ledger.deliveringMs));
  const limitPerSecond =
    scenario.load.loop === 'closed'
      ? median(limitOf(variant, scenario.layout.fanOut).map((limit) => limit.deliveredPerSecond))
      : undefined;
  const byGroup = <Value>(figure: (group: SystemGroup) => Value) =>
    Object.fromEntries(systemGroups.map((group) => [group, figure(group)])) as Record<SystemGroup, Value>;
  const total = (count: (run: Run) => number) => runs.reduce((sum, run) => sum + count(run), 0);
  return {
    scenario: name,
    title: scenario.title,
    variant,
    runs: runs.length,
    isMissing,
    acceptedPerSecond: of(({ ledger }) => perSecond(ledger.acknowledged, ledger.answeringMs)),
    deliveredPerSecond,
    ackP50: of(({ ledger }) => ledger.ack?.p50),
    ackP99: of(({ ledger }) => ledger.ack?.p99),
    arrivalP50: of(({ ledger }) => ledger.arrival?.p50),
    arrivalP99: of(({ ledger }) => ledger.arrival?.p99),
    cpuPerThousand: {
      ...byGroup((group) => of((run) => cpuOf(run, group))),
      all: of((run) =>
        run.measured.groups === undefined
          ? undefined
          : systemGroups.reduce((sum, group) => sum + (cpuOf(run, group) ?? 0), 0),
      ),
    },
    peakMemoryBytes: byGroup((group) => of((run) => run.measured.groups?.[group]?.peakMemoryBytes)),
    limitPerSecond,
    shareOfLimit:
      limitPerSecond === undefined || deliveredPerSecond === undefined
        ? undefined
        : deliveredPerSecond / limitPerSecond,
    acknowledged: total(({ ledger }) => ledger.acknowledged),
    lost: total((run) => (run.ending === 'time was up' ? 0 : run.ledger.lost)),
    arrivedTwice: total(({ ledger }) => ledger.arrivedTwice),
    notes: isMissing ? ['the API has no such route yet'] : [...new Set(runs.flatMap(notesOf))],
  };
}

function perSecond(count: number, ms: number): number | undefined {
  return ms <= 0 ? undefined : (count / ms) * 1_000;
}

function notesOf({ ledger, ending, machine, measured, late }: Run): string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const notes: string[] = [];
  if (ending === 'time was up') notes.push(`${ledger.lost} were still to arrive when the waiting ended`);
  if (ledger.refused > 0) notes.push(`${ledger.refused} were refused`);
  if (ledger.unanswered > 0) notes.push(`${ledger.unanswered} were not answered`);
  if (ledger.outOfOrder > 0) notes.push(`${ledger.outOfOrder} arrived out of order`);
  if (ledger.unexpected > 0) notes.push(`${ledger.unexpected} arrived though not acknowledged`);
  if (ledger.dueAtFailing > 0) {
    notes.push(
      `of ${ledger.dueAtFailing} to ill endpoints ${ledger.triedAtFailing} were tried; not in the figures`,
    );
  }
  if (machine.busy > mostIdleBusy) {
    notes.push(`the machine was not idle before: ${percent(machine.busy)} busy`);
  }
  if ((measured.othersBusy ?? 0) > mostIdleBusy / 2) {
    notes.push(`others took ${percent(measured.othersBusy ?? 0)} of the machine meanwhile`);
  }
  if ((late?.p99 ?? 0) > 5) notes.push(`the load came late: p99 ${late?.p99.toFixed(0)} ms`);
  return notes;
}
