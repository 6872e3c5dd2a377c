import type { Announcement } from './announcement.ts';

/** What one of several processes tells the one that looks after them. */
export interface FromProcess {
  ready: Announcement;
}

/** What the one that looks after them tells each when it starts. */
export interface ProcessSettings {
  temporalUiUrl?: string | undefined;
  /** The first of all takes the port at once, so that a port in use prevents the start; others once they are ready. */
  isFirst: boolean;
}

const variable = 'POSTRIDER_PROCESS';

/** As environment variables. */
export function processEnv(settings: ProcessSettings): Record<string, string> {
  return { [variable]: JSON.stringify(settings) };
}

/** A process that is alone is the first. */
export function settingsOfProcess(env: NodeJS.ProcessEnv): ProcessSettings {
  const text = env[variable];
  return text === undefined ? { isFirst: true } : JSON.parse(text);
}
