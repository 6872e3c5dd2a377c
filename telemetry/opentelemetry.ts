import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { defaultPayloadConverter } from '@temporalio/common';
import type { NewEvent } from '../db/accept-events.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { EventId } from '../db/ids.ts';
import { version } from '../version.ts';
import type { Tracing } from './tracing.ts';

const headerName = 'traceparent';
const quietPaths = new Set(['/healthz', '/readyz', '/metrics']);
/** Of the activity that is under way. */
const activityKey = createContextKey('postrider activity');
/** Events whose workflow has not been started; what is beyond them has a workflow without a trace. */
const mostRemembered = 10_000;

/** Sends spans by OTLP over HTTP, as the standard environment variables say. Once a process. */
export function startTracing(): Tracing {
  const named = resourceFromAttributes({ 'service.name': 'postrider', 'service.version': version });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer('postrider', version);
  const traces = new Map<EventId, string>();

  /** Runs the work within a new span, which ends with it. */
  function within<T>(
    name: string,
    options: { parent: Context; kind: SpanKind; attributes?: Attributes; links?: Link[] },
    work: (span: Span) => Promise<T>,
  ): Promise<T> {
    const { parent, ...rest } = options;
    const span = tracer.startSpan(name, rest, parent);
    const ended = context.with(trace.setSpan(parent, span), () => work(span));
    return ended
      .catch((error: unknown) => {
        // Its message may hold anything.
        span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).name });
        throw error;
      })
      .finally(() => span.end());
  }

  function remember(event: NewEvent, traceparent: string): NewEvent {
    const [oldest] = traces.keys();
    if (traces.size >= mostRemembered && oldest !== undefined) traces.delete(oldest);
    traces.set(event.id, traceparent);
    return { ...event, traceparent };
  }

  /** An operational event is nobody's request. */
  function traced(event: NewEvent): NewEvent {
    const current = currentTraceparent();
    return current === undefined || event.about_webhook !== null ? event : remember(event, current);
  }

  /** In its event's own trace: below the activity that asks for it, or linked to that where it runs for another event first. */
  function placeOf({ event }: LoadedDelivery): { parent: Context; links: Link[] } {
    const activity = context.active().getValue(activityKey) as SpanContext | undefined;
    const own = parseTraceparent(event.traceparent);
    if (activity !== undefined && (own === undefined || own.traceId === activity.traceId)) {
      return { parent: context.active(), links: [] };
    }
    // Whatever else is active is the request of whoever came first into the same group.
    if (own === undefined) return { parent: ROOT_CONTEXT, links: [] };
    const links = activity === undefined ? [] : [{ context: activity }];
    return { parent: trace.setSpanContext(ROOT_CONTEXT, own), links };
  }

  return {
    traceRequests(request, response, next) {
      if (quietPaths.has(request.path)) return next();
      const caller = parseTraceparent(request.get(headerName));
      const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
      const attributes = { 'http.request.method': request.method };
      const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent);
      response.locals.trace_id = span.spanContext().traceId;
      response.once('close', () => {
        const { route } = response.locals as { route?: string };
        if (route !== undefined)
          span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
        span.setAttributes({
          'http.response.status_code': response.statusCode,
          ...idAttributes(response.locals),
        });
        if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
      return context.with(trace.setSpan(parent, span), next);
    },

    traceIntake: (intake) => ({
      ...intake,
      accept: (event) => intake.accept(traced(event)),
      acceptAll: (events) => intake.acceptAll(events.map(traced)),
    }),

    traceStarter: (starter) => ({
      ...starter,
      startDeliverEvents(workflow) {
        const known = workflow.event_ids.flatMap((id) => {
          const found = parseTraceparent(traces.get(id));
          traces.delete(id);
          return found === undefined ? [] : [found];
        });
        const [first, ...others] = known;
        // The sweep starts what has lost its workflow: nobody waits for it.
        if (first === undefined)
          return context.with(ROOT_CONTEXT, () => starter.startDeliverEvents(workflow));
        return within(
          'start deliverEvents',
          {
            parent: trace.setSpanContext(ROOT_CONTEXT, first),
            kind: SpanKind.PRODUCER,
            attributes: { 'postrider.workflow_id': workflow.workflow_id },
            links: others.map((one) => ({ context: one })),
          },
          () => starter.startDeliverEvents(workflow),
        );
      },
    }),

    traceAttempter(attempter) {
      const trace = <R extends { status: string }>(delivery: LoadedDelivery, make: () => Promise<R>) => {
        const { id, account_id, workflow_id, event, webhook } = delivery;
        const ids = { account_id, delivery_id: id, workflow_id, event_id: event.id, webhook_id: webhook.id };
        const options = { ...placeOf(delivery), kind: SpanKind.INTERNAL, attributes: idAttributes(ids) };
        return within('attempt', options, async (span) => {
          const outcome = await make();
          span.setAttribute('postrider.status', outcome.status);
          return outcome;
        });
      };
      return {
        attempt: (delivery, release) => trace(delivery, () => attempter.attempt(delivery, release)),
        attemptManually: (delivery, id) => trace(delivery, () => attempter.attemptManually(delivery, id)),
        probe: (delivery) => trace(delivery, () => attempter.probe(delivery)),
        idle: attempter.idle,
      };
    },

    traceHttp: (http, { sends }) => ({
      ...http,
      post(request) {
        const options = { parent: context.active(), kind: SpanKind.CLIENT };
        return within('POST', { ...options, attributes: { 'http.request.method': 'POST' } }, async (span) => {
          const answer = await http.post(
            sends ? { ...request, headers: withTraceparent(request.headers, span) } : request,
          );
          if (answer.kind === 'answered') span.setAttribute('http.response.status_code', answer.status);
          else span.setAttribute('error.type', answer.reason).setStatus({ code: SpanStatusCode.ERROR });
          return answer;
        });
      },
    }),

    interceptors: {
      client: {
        startWithDetails(input, next) {
          const current = currentTraceparent();
          if (current === undefined) return next(input);
          const headers = { ...input.headers, [headerName]: defaultPayloadConverter.toPayload(current) };
          return next({ ...input, headers });
        },
      },
      activity: ({ info }) => ({
        inbound: {
          execute(input, next) {
            const header = input.headers[headerName];
            const caller = parseTraceparent(header && defaultPayloadConverter.fromPayload<string>(header));
            if (caller === undefined) return next(input);
            const attributes = {
              'postrider.workflow_id': info.workflowExecution?.workflowId ?? '',
              'postrider.activity_attempt': info.attempt,
            };
            const parent = trace.setSpanContext(ROOT_CONTEXT, caller);
            const options = { parent, kind: SpanKind.CONSUMER, attributes };
            return within(`activity ${info.activityType}`, options, (span) =>
              context.with(context.active().setValue(activityKey, span.spanContext()), () => next(input)),
            );
          },
        },
      }),
    },

    idsForLog() {
      const current = trace.getSpanContext(context.active());
      return current === undefined ? {} : { trace_id: current.traceId };
    },

    async close() {
      await provider.shutdown().catch(() => {
        // Nobody takes them: that is no reason not to stop.
      });
    },
  };
}

function currentTraceparent(): string | undefined {
  const current = trace.getSpanContext(context.active());
  return current === undefined || !isSpanContextValid(current) ? undefined : traceparentOf(current);
}

/** W3C Trace Context, section 3.2. */
function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Undefined for what is none. A later version's further fields are not looked at, as that specification says. */
function parseTraceparent(text: string | null | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] =
    /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:$|-)/.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(found) ? found : undefined;
}

function withTraceparent(headers: Readonly<Record<string, string>>, span: Span): Record<string, string> {
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== headerName);
  return { ...Object.fromEntries(others), [headerName]: traceparentOf(span.spanContext()) };
}

const idNames = ['account_id', 'event_id', 'webhook_id', 'delivery_id', 'workflow_id', 'request_id'];

function idAttributes(ids: Record<string, unknown>): Attributes {
  const given = idNames.flatMap((name) => {
    const id = ids[name];
    return typeof id === 'string' ? [[`postrider.${name}`, id] as const] : [];
  });
  return Object.fromEntries(given);
}
