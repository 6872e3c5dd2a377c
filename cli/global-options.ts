import type { Options } from './command.ts';

/** Of every command that asks the API. */
export const apiOptions = {
  url: { type: 'string', value: '<url>', summary: 'where the API is [POSTRIDER_URL]' },
  'api-key': { type: 'string', value: '<key>', summary: 'its key [POSTRIDER_API_KEY]' },
} as const satisfies Options;

/** Of every command that answers with data. */
export const jsonOptions = {
  json: { type: 'boolean', summary: 'answer in JSON, for programs' },
} as const satisfies Options;

/** Of every command. */
export const helpOptions = {
  help: { type: 'boolean', short: 'h', summary: 'say what the command does' },
} as const satisfies Options;

/** Without a command. */
export const versionOptions = {
  version: { type: 'boolean', summary: 'print the version' },
} as const satisfies Options;

export const globalOptions = { ...apiOptions, ...jsonOptions, ...helpOptions, ...versionOptions };
