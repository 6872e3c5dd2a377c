import type { RecoveryProgress } from './recover-webhook.ts';

/** Markdown for the workflow's page in the Temporal UI: what it does, what it has sent, what is left. Counts only. */
export function describeRecovery(progress: RecoveryProgress, rate: number | null): string {
  const { marked, taken_back, sent, succeeded, failed, left } = progress;
  const lines = [
    `**${headline(progress, rate)}**`,
    `${sent} sent: ${succeeded} succeeded, ${failed} failed, ${sent - succeeded - failed} to be attempted again`,
    `${left} left`,
  ];
  if (marked > 0)
    lines.push(`${marked} that had ended are sent again, ${taken_back} of them were taken back`);
  return lines.map((line) => `- ${line}`).join('\n');
}

function headline({ state }: RecoveryProgress, rate: number | null): string {
  switch (state) {
    case 'paused':
      return 'paused: the endpoint is disabled; it goes on when the endpoint is enabled';
    case 'running':
      return rate === null ? 'begins to send' : `sends ${rate} a second, oldest first`;
    default:
      return state;
  }
}
