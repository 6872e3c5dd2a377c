import type { RequestHandler } from 'express';
import type { Attempter } from '../delivery/attempter.ts';
import type { HttpClient } from '../delivery/http-client.ts';
import type { Intake } from '../delivery/intake.ts';
import type { TemporalInterceptors } from '../temporal/interceptors.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';

/**
 * One trace from the request that posts an event to each request to a receiver. What stands around the parts of Postrider
 * is put there only where tracing is on.
 */
export interface Tracing {
  /** A span for each request to the API, within the caller's trace where it names one (`traceparent`). */
  traceRequests: RequestHandler;
  /** The same intake; each event goes on with the trace of the request that brought it. */
  traceIntake(intake: Intake): Intake;
  /** The same starter; a workflow goes on with the trace of its first event. */
  traceStarter(starter: WorkflowStarter): WorkflowStarter;
  /** The same attempter: each attempt is a span of its event's trace. */
  traceAttempter(attempter: Attempter): Attempter;
  /** The same client: each request is a span; `sends` tells receivers of it. */
  traceHttp(http: HttpClient, options: { sends: boolean }): HttpClient;
  /** What carries a trace through Temporal. */
  interceptors: TemporalInterceptors;
  /** For the log: the trace of what is under way. */
  idsForLog(): { trace_id?: string };
  /** Sends what is left. */
  close(): Promise<void>;
}

/** As the specification of OpenTelemetry's environment variables has it; without an endpoint nothing is sent anywhere. */
export function isTracingOn(env: NodeJS.ProcessEnv): boolean {
  const isGiven = (name: string) => (env[name] ?? '').trim() !== '';
  const isDisabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true';
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || 'otlp';
  return (
    !isDisabled &&
    exporter === 'otlp' &&
    (isGiven('OTEL_EXPORTER_OTLP_ENDPOINT') || isGiven('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'))
  );
}

/** Tracing, if the environment asks for it: only then is any of OpenTelemetry loaded. */
export async function openTracing(env: NodeJS.ProcessEnv): Promise<Tracing | undefined> {
  if (!isTracingOn(env)) return undefined;
  const { startTracing } = await import('./opentelemetry.ts');
  return startTracing();
}
