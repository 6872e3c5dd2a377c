import type { Session } from '../api/types.ts';

/** Where the Temporal UI shows a workflow; undefined when there is no UI, or it is not for this session. */
export function temporalLink(
  { temporal_ui_url, temporal_namespace }: Pick<Session, 'temporal_ui_url' | 'temporal_namespace'>,
  workflowId: string,
): string | undefined {
  if (temporal_ui_url === null) return undefined;
  const base = temporal_ui_url.replace(/\/$/, '');
  return `${base}/namespaces/${encodeURIComponent(temporal_namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
