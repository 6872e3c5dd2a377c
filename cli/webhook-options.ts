import type { Options, Values } from './command.ts';

/** What may be said of a webhook beside its URL. All else is a field of `--set`. */
export const changeOptions = {
  event: {
    type: 'string',
    short: 'e',
    multiple: true,
    value: '<type>',
    summary: 'an event type, or message.*; again for more',
  },
  channel: {
    type: 'string',
    multiple: true,
    value: '<channel>',
    summary: 'only events of it; again for more',
  },
  description: { type: 'string', value: '<text>', summary: 'for people' },
  set: {
    type: 'string',
    value: '<json>',
    summary: 'any fields of the API; @file, or - for standard input',
  },
} as const satisfies Options;

export const showSecretOption = {
  'show-secret': { type: 'boolean', summary: 'print the signing secret' },
} as const satisfies Options;

/** The fields that the options name. */
export function settingsOf({ event, channel, description }: Omit<Values<typeof changeOptions>, 'set'>) {
  return {
    ...(event === undefined ? {} : { events: event }),
    ...(channel === undefined ? {} : { channels: channel }),
    ...(description === undefined ? {} : { description }),
  };
}

/** A secret, or what stands for it where nobody asked to see it. */
export function shownSecret(secret: string, isAskedFor: boolean | undefined): string {
  return isAskedFor ? secret : '•••';
}
