import { z } from 'zod';
import { inboxMessageStatuses } from '../db/schema.ts';
import { noControlPattern } from './fields.schemas.ts';

/** The most messages in one request. */
export const mostInboxMessages = 1_000;

/** The last moment that has a year of four digits, in ms. */
const lastMomentMs = Date.UTC(10_000, 0) - 1;

const messageIdField = z
  .guid('must be a UUID')
  .transform((id) => id.toLowerCase())
  .meta({
    description: 'The interaction id, a UUID: its status is set by it.',
    example: '5f2d1c1e-8a0b-4b57-9c3e-2f6f0d9a7b11',
    override: { type: 'string', format: 'uuid' },
  });

const externalCustomerIdField = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'must have at most 255 characters')
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')
  .meta({
    description: 'The receiver, as the producer’s system knows it.',
    example: 'customer-42',
    override: { pattern: noControlPattern },
  });

const textField = z.string().max(65_536, 'must have at most 65,536 characters');

const linkField = z
  .string()
  .max(2_048, 'must have at most 2,048 characters')
  .refine((text) => URL.canParse(text), 'must be a URL');

const documentedFields = {
  externalCustomerId: externalCustomerIdField.nullish().meta({
    description: 'The receiver. Messages of a contact that has none are kept, and nothing is sent.',
  }),
  id: messageIdField.nullish().meta({
    description:
      'The interaction id; made when absent. The same id with the same content is the same message.',
  }),
  createdDate: z
    .int()
    .min(0)
    .max(lastMomentMs)
    .nullish()
    .meta({ description: 'In milliseconds since 1970; now when absent.', example: 1736936703000 }),
  title: textField.nullish(),
  content: textField.nullish(),
  image: linkField.nullish().meta({ description: 'A URL, as browsers read it (WHATWG).' }),
  link: linkField.nullish().meta({ description: 'A URL, as browsers read it (WHATWG).' }),
  category: z.string().max(255, 'must have at most 255 characters').nullish(),
  customData: textField
    .nullish()
    .meta({ description: 'Text: the producer’s own data, as JSON for example.' }),
};

const newInboxMessageSchema = z.strictObject(documentedFields).meta({
  id: 'NewInboxMessage',
  description: 'A message of a contact. Null is absent.',
});

export const newInboxMessagesSchema = z.union([
  newInboxMessageSchema,
  z
    .array(newInboxMessageSchema)
    .min(1, 'must hold a message')
    .max(mostInboxMessages, `must hold at most ${mostInboxMessages} messages`),
]);

const listedFields = {
  externalCustomerId: z.string(),
  id: z.string().meta({ override: { format: 'uuid' } }),
  createdDate: z.number().meta({ description: 'In milliseconds since 1970.', override: { type: 'integer' } }),
  title: z.string().optional(),
  content: z.string().optional(),
  image: z.string().optional(),
  link: z.string().optional(),
  category: z.string().optional(),
  customData: z.string().optional(),
};

/** What webhooks are sent. */
export const inboxListSchema = z.array(z.object(listedFields).meta({ id: 'ListedInboxMessage' }));

export const inboxMessageSchema = z
  .object({
    ...listedFields,
    externalCustomerId: z.string().optional(),
    status: z.enum(inboxMessageStatuses),
    available: z.boolean().meta({ description: 'Whether its contact can see it.' }),
    sent: z.boolean().meta({
      description:
        'Whether the list of its contact is sent: not that of a contact without externalCustomerId.',
    }),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'In words, why it is not available, or why nothing is sent.' }),
  })
  .meta({ id: 'InboxMessage' });

export const storedInboxMessagesSchema = z.union([inboxMessageSchema, z.array(inboxMessageSchema)]);

export const inboxMessageParams = z.object({ id: messageIdField });

export const inboxContactParams = z.object({ externalCustomerId: externalCustomerIdField });

export const inboxStatusSchema = z
  .strictObject({ status: z.enum(['delivered', 'read', 'deleted', 'expired']) })
  .meta({ id: 'InboxMessageStatus' });

export type NewInboxMessageBody = z.output<typeof newInboxMessageSchema>;
