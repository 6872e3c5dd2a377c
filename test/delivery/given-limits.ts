import { shareLeaseMs, takenUpMs, turnsAheadMs } from '../../db/endpoint-limits.ts';
import type { Demand, Grant } from '../../delivery/endpoint-allowance.ts';

interface Share {
  held: number;
  wanted: number;
  until: number;
}

/** What the database gives of one endpoint's limits (db/endpoint-limits.ts), which is proved to give the same. */
export function givenLimits(): (process: string, demand: Demand, nowMs: number) => Grant {
  let nextTurn = 0;
  let shares = new Map<string, Share>();

  function turnsOf({ rate_limit, turns, ahead }: Demand, now: number) {
    if (rate_limit === null) return { turns: 0, first_ms: 0, every_ms: 0, more_ms: 0 };
    const every = 1_000 / rate_limit;
    const isClockSetBack = nextTurn > now + turnsAheadMs + every + 1_000;
    const first = Math.max(isClockSetBack ? 0 : nextTurn, now - takenUpMs);
    const mayHave = Math.max(0, Math.floor((now + turnsAheadMs - first) / every) + 1);
    const notTaken = Math.floor((now - first) / every) + 1;
    const given = Math.min(mayHave, Math.max(turns, Math.min(turns + ahead, notTaken)));
    if (given > 0) nextTurn = first + given * every;
    const more_ms = first + given * every - now - turnsAheadMs;
    return { turns: given, first_ms: first - now, every_ms: every, more_ms };
  }

  function shareOf(process: string, { max_in_flight: most, keep, wanted }: Demand, now: number) {
    if (most === null) return { held: 0, share: 0, others_wait: false };
    const others = new Map([...shares].filter(([name, { until }]) => name !== process && until > now));
    const sum = (part: (share: Share) => number) =>
      [...others.values()].reduce((total, share) => total + part(share), 0);
    const fair = Math.max(1, Math.floor(most / (1 + sum((one) => (one.wanted > 0 ? 1 : 0)))));
    const had = shares.get(process)?.held ?? 0;
    const free = most - sum((one) => one.held);
    const leftToMe = most - sum((one) => Math.max(one.held, Math.min(one.wanted, fair)));
    const share = Math.max(0, Math.min(wanted, free, Math.max(leftToMe, keep === 0 && had === 0 ? 1 : 0)));
    const held = Math.max(keep, share);
    const others_wait = sum((one) => (one.wanted > one.held ? 1 : 0)) > 0;
    shares = others;
    if (wanted > 0 || keep > 0) shares.set(process, { held, wanted, until: now + shareLeaseMs });
    return { held, share, others_wait };
  }

  return (process, demand, now) => ({ ...turnsOf(demand, now), ...shareOf(process, demand, now) });
}
