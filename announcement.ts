/** What a user is told once Postrider is ready. */
export interface Announcement {
  apiUrl: string | undefined;
  temporalUiUrl: string | undefined;
  madeAdminKey: string | undefined;
}

export function announce(
  { apiUrl, temporalUiUrl, madeAdminKey }: Announcement,
  report: (line: string) => void,
): void {
  report('');
  if (apiUrl !== undefined) report(`  API          ${apiUrl}/v1\n  API docs     ${apiUrl}/docs`);
  if (temporalUiUrl !== undefined) report(`  Temporal UI  ${temporalUiUrl}`);
  if (madeAdminKey !== undefined) report(`  Admin key    ${madeAdminKey}   (shown only this once)`);
  report('\n  Postrider is ready. Ctrl-C stops it.\n');
}

/** Said once, by the process that the user started. */
export const stoppingLine = 'stopping: what is under way is finished first; a second signal ends at once';
