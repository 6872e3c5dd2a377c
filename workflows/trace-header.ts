import type { Headers, WorkflowInterceptors } from '@temporalio/workflow';

/** Names the trace that a workflow was started in, as the W3C's header of this name does (telemetry/opentelemetry.ts). */
const name = 'traceparent';

/** Hands the trace of a workflow on to its activities. It sets no command, and changes none but by this header. */
export function interceptors(): WorkflowInterceptors {
  let own: Headers = {};
  const withOwn = <Input extends { headers: Headers }>(input: Input): Input =>
    name in own ? { ...input, headers: { ...input.headers, ...own } } : input;
  return {
    inbound: [
      {
        execute(input, next) {
          const given = input.headers[name];
          own = given === undefined ? {} : { [name]: given };
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withOwn(input)),
        scheduleLocalActivity: (input, next) => next(withOwn(input)),
      },
    ],
  };
}
