import { z } from 'zod';
import { isEventType } from '../webhook/subscriptions.ts';
import { jsonObjectField } from './events.schemas.ts';
import { eventTypeField, momentField, pageFields, pageSchema } from './fields.schemas.ts';
import { mostSchemaCharacters } from './json-schema.ts';

export const eventTypeSources = ['built_in', 'own', 'seen'] as const;

const anyObject = { type: ['object', 'null'], additionalProperties: true } as const;

export const eventTypeSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    example: z.unknown().meta({ description: 'Example data; null when there is none.' }),
    schema: z.unknown().meta({ description: 'The JSON Schema that data must fit; null when there is none.' }),
    source: z.enum(eventTypeSources).meta({
      description:
        '`built_in`: of the dialects’ documents, or told by Postrider itself; `own`: the account’s, which goes before a built-in one of the same name; ' +
        '`seen`: an event of the type came, and nobody has described it.',
    }),
    created_at: momentField.nullable(),
    updated_at: momentField.nullable(),
  })
  .meta({ id: 'EventType' });

export const eventTypeDescriptionSchema = z
  .strictObject({
    description: z.string().max(1_000),
    example: jsonObjectField
      .nullish()
      .meta({ description: 'What POST /v1/webhooks/test sends.', override: anyObject }),
    schema: jsonObjectField.nullish().meta({
      description:
        `A JSON Schema (draft 2020-12) of at most ${mostSchemaCharacters} characters. Events whose data does not fit are ` +
        'refused. Nothing is fetched: a $ref must lead to something in the schema itself.',
      override: anyObject,
    }),
  })
  .meta({ id: 'EventTypeDescription' });

export const eventTypeParams = z.object({ name: eventTypeField });

export const eventTypePageSchema = pageSchema(eventTypeSchema);

export const eventTypeQuery = z.strictObject({
  limit: pageFields('evt').limit,
  cursor: z
    .string()
    .transform((text, context) => {
      const name = Buffer.from(text, 'base64url').toString();
      if (isEventType(name) && cursorOf(name) === text) return name;
      context.issues.push({ code: 'custom', message: 'is not a cursor of this list', input: text });
      return z.NEVER;
    })
    .meta({ override: { format: 'event-type-cursor' } })
    .optional()
    .meta({ description: 'The `next_cursor` of the page before.' }),
});

/** What asks for the types after that one. */
export function cursorOf(name: string): string {
  return Buffer.from(name).toString('base64url');
}
