export const roles = ['api', 'worker', 'both'] as const;
/** What a process does. */
export type Role = (typeof roles)[number];
