import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** What stands around starts of workflows and around activities. */
export interface TemporalInterceptors {
  client: WorkflowClientInterceptor;
  activity: ActivityInterceptorsFactory;
}
