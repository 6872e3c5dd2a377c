/** How a receiver answers: 200, 500, or nothing until the sender's patience is over. */
export type Behaviour = 'ok' | 'fails' | 'hangs';

/** Who receives which event: the same events go to the same endpoints, whoever sends them. */
export interface Layout {
  readonly accounts: number;
  /** Event types in each account; each has endpoints of its own. */
  readonly typesPerAccount: number;
  /** Endpoints that get each event. */
  readonly fanOut: number;
  /** How every fifth endpoint behaves; the others answer 200. */
  readonly everyFifth: Behaviour;
  /** Ports of this machine, each a receiver of its own, over which the endpoints are spread. */
  readonly receivers: number;
  /** Endpoints get their events in order, in so many lanes each; 0 for no order. */
  readonly lanes: number;
}

/** One endpoint that gets every event. */
export const oneToOne: Layout = {
  accounts: 1,
  typesPerAccount: 1,
  fanOut: 1,
  everyFifth: 'ok',
  receivers: 1,
  lanes: 0,
};

export function endpointCount({ accounts, typesPerAccount, fanOut }: Layout): number {
  return accounts * typesPerAccount * fanOut;
}

/** The account and the type, both by number, of the event with that number. Neighbours go to different accounts. */
export function placeOf(
  { accounts, typesPerAccount }: Layout,
  seq: number,
): { account: number; type: number } {
  return { account: seq % accounts, type: Math.floor(seq / accounts) % typesPerAccount };
}

/** The first of the `fanOut` endpoints, in a row, that get the event. */
export function firstEndpointOf(layout: Layout, seq: number): number {
  const { account, type } = placeOf(layout, seq);
  return (account * layout.typesPerAccount + type) * layout.fanOut;
}

/** Whose the endpoint is, and what it subscribes to. */
export function ownerOf(
  { typesPerAccount, fanOut }: Layout,
  endpoint: number,
): { account: number; type: number } {
  const place = Math.floor(endpoint / fanOut);
  return { account: Math.floor(place / typesPerAccount), type: place % typesPerAccount };
}

export function behaviourOf({ everyFifth }: Layout, endpoint: number): Behaviour {
  return endpoint % 5 === 4 ? everyFifth : 'ok';
}

/** The one place in a ledger of a delivery: every event has `fanOut` of them. */
export function deliveryIndex({ fanOut }: Layout, seq: number, endpoint: number): number {
  return seq * fanOut + (endpoint % fanOut);
}

/** How many of the event's endpoints answer 200: what is owed to them must arrive. */
export function healthyEndpointsOf(layout: Layout, seq: number): number {
  const first = firstEndpointOf(layout, seq);
  let healthy = 0;
  for (let endpoint = first; endpoint < first + layout.fanOut; endpoint++) {
    if (behaviourOf(layout, endpoint) === 'ok') healthy += 1;
  }
  return healthy;
}

export function eventType(type: number): string {
  return `bench.t${type}`;
}
