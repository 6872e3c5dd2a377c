import { type Layout, oneToOne } from './layout.ts';
import type { Load } from './load/load-process.ts';

export interface Scenario {
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  readonly layout: Layout;
  readonly load: Load;
  /** Events a request. */
  readonly batch: number;
  /** Events that were delivered before it began. */
  readonly stored: number;
}

const rate = (perSecond: number): Scenario => ({
  name: `rate-${perSecond}`,
  title: `1 → 1 at ${perSecond}/s`,
  layout: oneToOne,
  load: { loop: 'open', perSecond },
  batch: 1,
  stored: 0,
});

const saturation = (connections: number): Scenario => ({
  name: `saturation-${connections}`,
  title: `1 → 1, ${connections} connections`,
  layout: oneToOne,
  load: { loop: 'closed', connections },
  batch: 1,
  stored: 0,
});

/** Beside the same in no order. */
const ordered = (name: string, title: string, lanes: number): Scenario => ({
  ...saturation(64),
  name,
  title: `1 → 1 ${title}, 64 connections`,
  layout: { ...oneToOne, lanes },
});

const fanOut = (endpoints: number, connections: number): Scenario => ({
  name: `fan-out-${endpoints}`,
  title: `1 → ${endpoints}, ${connections} connections`,
  layout: { ...oneToOne, fanOut: endpoints, receivers: endpoints },
  load: { loop: 'closed', connections },
  batch: 1,
  stored: 0,
});

const fiftyEndpoints: Layout = { ...oneToOne, typesPerAccount: 50, receivers: 50 };

const endpoints = (
  name: string,
  title: string,
  everyFifth: Layout['everyFifth'],
  perSecond = 200,
): Scenario => ({
  name,
  title: `50 endpoints${title} at ${perSecond}/s`,
  layout: { ...fiftyEndpoints, everyFifth },
  load: { loop: 'open', perSecond },
  batch: 1,
  stored: 0,
});

export const scenarios: readonly Scenario[] = [
  rate(20),
  rate(50),
  rate(200),
  rate(500),
  saturation(64),
  saturation(256),
  ordered('ordered-500', 'in order, 500 lanes', 500),
  ordered('ordered-10', 'in order, 10 lanes', 10),
  {
    ...saturation(16),
    name: 'batch-100',
    title: '1 → 1 in batches of 100, 16 connections',
    batch: 100,
  },
  fanOut(10, 64),
  fanOut(100, 16),
  // What the next two are held against: the same without the fifth that is ill.
  endpoints('endpoints', '', 'ok'),
  endpoints('endpoints-hanging', ', a fifth hanging,', 'hangs'),
  endpoints('endpoints-failing', ', a fifth answering 500,', 'fails'),
  // The same while two cores have time to spare.
  endpoints('endpoints-100', '', 'ok', 100),
  endpoints('endpoints-100-hanging', ', a fifth hanging,', 'hangs', 100),
  {
    ...saturation(64),
    name: 'accounts-200',
    title: '2,000 webhooks of 200 accounts, 64 connections',
    layout: { ...oneToOne, accounts: 200, typesPerAccount: 10, receivers: 200 },
  },
  {
    ...saturation(64),
    name: 'stored-500k',
    title: '1 → 1 with 500,000 events stored, 64 connections',
    stored: 500_000,
  },
];
