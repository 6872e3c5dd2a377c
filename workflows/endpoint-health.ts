import { defineSearchAttributeKey } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ProbeResult } from '../activities/health-activities.ts';
import { type Outcome, outcomesIn } from '../webhook/endpoint-health.ts';
import { describeHealth, type Health, healthOf } from './describe-health.ts';
import { type EndpointRequest, requestIn } from './endpoint-request.ts';
import {
  beginProbe,
  countMissing,
  countOutcomes,
  disableOnRequest,
  type Endpoint,
  enableOnRequest,
  loadEndpoint,
  missingDueAt,
  probe,
  refreshPolicy,
  saveDueAt,
  takeProbeResult,
} from './endpoint-steps.ts';

/** Outcomes of attempts, in batches from the workers. */
export const attempts = defineSignal<[outcomes?: unknown]>('attempts');
/** Each with an optional `{reason, by}`; `enable` also with `{held}`: what becomes of the deliveries that wait. */
export const enable = defineSignal<[request?: unknown]>('enable');
export const disable = defineSignal<[request?: unknown]>('disable');
/** As the signals, answered once it is done and the database says so. */
export const enableEndpoint = defineUpdate<Health | null, [request?: unknown]>('enableEndpoint');
export const disableEndpoint = defineUpdate<Health | null, [request?: unknown]>('disableEndpoint');
/** The webhook's policy was changed, or the webhook was deleted: the database says which. */
export const webhookChanged = defineSignal('webhookChanged');
export const healthQuery = defineQuery<Health | null>('health');

export interface EndpointHealthInput {
  webhook_id: string;
  account_id: string;
  /** From the run before, when this one continues it, or what is stored of a new webhook. */
  carried?: { endpoint: Endpoint; outcomes: Outcome[] };
}

/** Outcomes have come that belong behind one that is missing: behind how many that were counted, and since when, in ms since 1970. */
interface Gap {
  readonly counted: number;
  readonly since: number;
}

interface Asked extends EndpointRequest {
  to: 'enable' | 'disable';
  isDone: boolean;
}

/**
 * Events after which a run is continued as a new one in the next quiet moment, and after which at any moment. Counted here:
 * the length that Temporal tells is another when a task that failed is repeated.
 */
const longHistory = 1_000;
const longestHistory = 20_000;
/** An activity, the tasks before and after it, a search attribute. */
const eventsPerStep = 10;
const stateKey = defineSearchAttributeKey('PostriderState', 'KEYWORD');

/**
 * Keeps the health of a webhook's endpoint for as long as the webhook exists: counts its failures in a row from what
 * workers signal, disables it by its policy or on request, probes it, enables it again. The database is told of each change,
 * and is where this goes on from when it was lost.
 */
export async function endpointHealth({ carried, ...webhook }: EndpointHealthInput): Promise<void> {
  let endpoint = carried?.endpoint ?? null;
  const outcomes = carried?.outcomes ?? [];
  const requests: Asked[] = [];
  let isWebhookChanged = false;
  let historyLength = 0;
  let probing: { result?: ProbeResult } | null = null;
  let gap: Gap | null = null;

  const shown = () => endpoint && healthOf(endpoint.health, endpoint.policy);
  const ask = (to: Asked['to'], request: unknown): Asked => {
    const asked = { to, ...requestIn(request), isDone: false };
    requests.push(asked);
    return asked;
  };
  const askAndWait = async (to: Asked['to'], request: unknown) => {
    const asked = ask(to, request);
    await condition(() => asked.isDone);
    return shown();
  };
  setHandler(attempts, (given) => {
    historyLength += 1;
    outcomes.push(...outcomesIn(given));
  });
  setHandler(enable, (request) => void ask('enable', request));
  setHandler(disable, (request) => void ask('disable', request));
  setHandler(enableEndpoint, (request) => askAndWait('enable', request));
  setHandler(disableEndpoint, (request) => askAndWait('disable', request));
  setHandler(webhookChanged, () => {
    isWebhookChanged = true;
  });
  setHandler(healthQuery, shown);

  const hasNews = () =>
    requests.length > 0 || isWebhookChanged || outcomes.length > 0 || probing?.result !== undefined;
  // In a quiet moment: a signal that comes meanwhile makes Temporal refuse it, and the next try replays the whole history.
  const isTimeToContinue = () =>
    historyLength > (hasNews() ? longestHistory : longHistory) &&
    requests.length === 0 &&
    probing === null &&
    allHandlersFinished();

  endpoint ??= await loadEndpoint(webhook.webhook_id);
  while (endpoint !== null) {
    show(endpoint);
    gap = gapIn(endpoint, gap);
    if (isTimeToContinue()) {
      await continueAsNew<typeof endpointHealth>({ ...webhook, carried: { endpoint, outcomes } });
    }
    const probeAt = probing === null ? probeDueAt(endpoint) : null;
    const saveAt = saveDueAt(endpoint);
    const missingAt = gap === null ? null : missingDueAt(endpoint, gap.since);
    await waitForNews(() => hasNews() || isTimeToContinue(), earliest(probeAt, saveAt, missingAt));

    historyLength += eventsPerStep;
    const [request] = requests;
    if (request !== undefined) {
      endpoint = await (request.to === 'enable' ? enableOnRequest : disableOnRequest)(endpoint, request);
      requests.shift();
      request.isDone = true;
    } else if (isWebhookChanged) {
      isWebhookChanged = false;
      endpoint = await refreshPolicy(endpoint);
    } else if (missingAt !== null && Date.now() >= missingAt) {
      gap = null;
      endpoint = await countMissing(endpoint);
    } else if (outcomes.length > 0) {
      endpoint = await countOutcomes(endpoint, outcomes.splice(0));
    } else if (saveAt !== null && Date.now() >= saveAt) {
      endpoint = await refreshPolicy(endpoint);
    } else if (probing?.result !== undefined) {
      const { result } = probing;
      probing = null;
      endpoint = await takeProbeResult(endpoint, result);
    } else if (probeAt !== null && Date.now() >= probeAt) {
      endpoint = await beginProbe(endpoint);
      if (endpoint !== null) probing = startProbe(endpoint);
    }
  }
  for (const request of requests) request.isDone = true;
  await condition(allHandlersFinished);
}

async function waitForNews(hasNews: () => boolean, until: number | null): Promise<void> {
  if (until === null) await condition(hasNews);
  else await condition(hasNews, Math.max(1, until - Date.now()));
}

function earliest(...times: (number | null)[]): number | null {
  const set = times.filter((time) => time !== null);
  return set.length === 0 ? null : Math.min(...set);
}

/** Where one that was missing has come and was counted, another is missing since now. */
function gapIn({ health: { early, counted } }: Endpoint, before: Gap | null): Gap | null {
  if (early.length === 0) return null;
  return before?.counted === counted ? before : { counted, since: Date.now() };
}

/** In ms since 1970. */
function probeDueAt({ health }: Endpoint): number | null {
  return health.next_probe_at === null ? null : Date.parse(health.next_probe_at);
}

/** Its result appears in what is returned. */
function startProbe(endpoint: Endpoint): { result?: ProbeResult } {
  const begun: { result?: ProbeResult } = {};
  void probe(endpoint).then((result) => {
    begun.result = result;
  });
  return begun;
}

/** In the Temporal UI: the state as a search attribute, and the rest in words. */
function show({ health, policy }: Endpoint): void {
  setCurrentDetails(describeHealth(healthOf(health, policy)));
  const { typedSearchAttributes } = workflowInfo();
  if (typedSearchAttributes.get(stateKey) !== health.state) {
    upsertSearchAttributes([{ key: stateKey, value: health.state }]);
  }
}
