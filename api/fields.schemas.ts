import 'zod-openapi';
import { z } from 'zod';
import { type Id, type IdPrefix, idOf, idPrefixes, isId } from '../db/ids.ts';
import { idInCursor, type PageRequest } from '../db/paging.ts';
import { isEventId } from '../webhook/event-id.ts';
import { isEventType, MAX_EVENT_TYPE_CHARS } from '../webhook/subscriptions.ts';

const nilUuid = '00000000-0000-0000-0000-000000000000';

/** For documents: text without control characters. */
export const noControlPattern = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';
/** For documents: such text, and more than blanks. */
const textPattern =
  '^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\ufeff][^\\u0000-\\u001f\\u007f-\\u009f]*$';

/**
 * An id of a kind, in a request. With the right prefix and the rest not ours it is taken as the id that nothing has, so
 * that asking for it finds nothing.
 */
export function idField<P extends IdPrefix>(prefix: P) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9A-Za-z_-]{1,64}$`), `must be an id that begins with ${prefix}_`)
    .transform((text): Id<P> => (isId(prefix, text) ? text : idOf(prefix, nilUuid)))
    .meta({ example: `${prefix}_01k7q9w3v8e5xbm2rt4n6c0hzd` });
}

/** An id as an answer shows it. */
export function shownId(prefix: IdPrefix) {
  return z.string().meta({ example: `${prefix}_01k7q9w3v8e5xbm2rt4n6c0hzd` });
}

const otherPrefixes = idPrefixes.filter((prefix) => prefix !== 'evt');

/** The id of an event, ours or its producer's. */
export const eventIdField = z
  .string()
  .refine(isEventId, 'must be 1 to 128 characters of A–Z, a–z, 0–9, _ and -')
  .refine((id) => !isOfAnotherKind(id), 'must not begin like the id of another kind')
  .meta({
    description: 'The id that receivers know the event by: the producer’s own where it gave one.',
    example: 'evt_01k7q9w3v8e5xbm2rt4n6c0hzd',
    override: { pattern: `^(?!(${otherPrefixes.join('|')})_)[A-Za-z0-9_-]{1,128}$` },
  });

function isOfAnotherKind(id: string): boolean {
  return otherPrefixes.some((prefix) => id.startsWith(`${prefix}_`));
}

export const eventTypeField = z
  .string()
  .refine(isEventType, `must be segments of A–Z, a–z, 0–9, _ and - between full stops, such as message.read`)
  .meta({
    example: 'message.delivered',
    override: { maxLength: MAX_EVENT_TYPE_CHARS, pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$' },
  });

export const channelField = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'must have at most 255 characters')
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')
  .meta({
    description: 'The producer’s own id of a channel.',
    example: 'whatsapp:+15551234567',
    override: { pattern: noControlPattern },
  });

/** Text that people write, of so many characters at most. */
export function peoplesText(most: number) {
  return z
    .string()
    .max(most, `must have at most ${most} characters`)
    .refine((text) => text.trim() !== '' && !/\p{Cc}/u.test(text), 'must be text, without control characters')
    .meta({ override: { pattern: textPattern } });
}

/** A name that people give to something. */
export const nameField = peoplesText(100);

/** RFC 3339 in UTC with milliseconds, which is how JSON.stringify writes a Date. */
export const momentField = z.date().meta({
  override: { type: 'string', format: 'date-time', examples: ['2025-01-15T10:25:03.000Z'] },
});

/** RFC 3339, from 1970 on. */
export const timeField = z.iso
  .datetime({
    offset: true,
    abort: true,
    error: 'must be a time as in RFC 3339, with its offset from UTC, such as 2025-01-15T10:25:03Z',
  })
  .refine((text) => Date.parse(text) >= 0, 'must not be before 1970')
  .transform((text) => new Date(text))
  .meta({ override: { type: 'string', format: 'date-time', examples: ['2025-01-15T10:25:03Z'] } });

/** `?since=&until=&q=` of a list that can be searched. */
export const searchFields = {
  since: timeField.optional().meta({ description: 'What was made from then on.' }),
  until: timeField.optional().meta({ description: 'What was made before then.' }),
  q: z
    .string()
    .min(1, 'must not be empty')
    .max(200, 'must have at most 200 characters')
    .refine((text) => !/\p{Cc}/u.test(text), 'must be text, without control characters')
    .meta({ override: { pattern: noControlPattern } })
    .optional()
    .meta({ description: 'Text that the event’s data holds, in any case.' }),
};

const mostPerPage = 250;
/** The rows of a page whose query names no limit. */
export const usualPerPage = 50;

/** `?limit=&cursor=` of a list whose rows have ids of that kind. */
export function pageFields<P extends IdPrefix>(prefix: P) {
  return {
    limit: z
      .string()
      .refine(
        (text) => /^[1-9]\d{0,2}$/.test(text) && Number(text) <= mostPerPage,
        `must be a number from 1 to ${mostPerPage}`,
      )
      .transform(Number)
      .optional()
      .meta({ override: { type: 'integer', minimum: 1, maximum: mostPerPage, default: usualPerPage } }),
    cursor: z
      .string()
      .transform((text, context): Id<P> => {
        const id = idInCursor(prefix, text);
        if (id !== undefined) return id;
        context.issues.push({ code: 'custom', message: 'is not a cursor of this list', input: text });
        return z.NEVER;
      })
      .meta({ override: { format: `${prefix}-cursor` } })
      .optional()
      .meta({ description: 'The `next_cursor` of the page before.' }),
  };
}

/** The page that a query with `pageFields` asks for. */
export function pageOf<P extends IdPrefix>(query: {
  limit?: number | undefined;
  cursor?: Id<P> | undefined;
}): PageRequest<P> {
  return { limit: query.limit ?? usualPerPage, before: query.cursor };
}

/** The answer of a list, newest first. */
export function pageSchema<T extends z.ZodType>(row: T) {
  return z.object({
    data: z.array(row),
    next_cursor: z.string().nullable().meta({ description: 'Asks for the next page; null after the last.' }),
  });
}

/** As `pageSchema`, of a list that is searched no further than a request may take. */
export function searchedPageSchema<T extends z.ZodType>(row: T) {
  return pageSchema(row).extend({
    searched_until: momentField.optional().meta({
      description:
        'There when the search has stopped short, with the page full or not: back to when it was searched. `next_cursor` goes on.',
    }),
  });
}
