import { z } from 'zod';
import { mostEventBytes } from './event-batches.schemas.ts';
import { idField, momentField, nameField, pageFields, pageSchema, shownId } from './fields.schemas.ts';

export const newAccountSchema = z.strictObject({ name: nameField }).meta({ id: 'NewAccount' });

const inboxMessageLimitField = z.int().min(1).max(10_000).meta({
  description: 'How many App Inbox messages of a contact are available at most; older ones no longer are.',
});

const strictEventTypesField = z
  .boolean()
  .meta({ description: 'Whether events of types that are in no catalogue are refused.' });

const retentionDaysField = z.int().min(1).max(3_650).nullable().meta({
  description:
    'For how many days its events, deliveries and attempts are kept; null for as many as `RETENTION_DAYS` says.',
});

const limit = (most: number, description: string) =>
  z.int().min(1).max(most).nullable().meta({ description });

/** What an account may do at most beside what holds for all. */
const ownLimits = {
  requests_per_second: limit(
    100_000,
    'Requests of all its keys and sessions within a second; null for any number.',
  ),
  events_per_day: limit(
    1_000_000_000,
    'Events and App Inbox messages that are posted within a day (UTC), repeats included; null for any number.',
  ),
  webhooks: limit(1_000_000, 'Webhooks that there are at a time; null for any number.'),
};

const shownLimits = z
  .object({
    ...ownLimits,
    event_bytes: z.int().meta({ description: 'Of an event, as it is posted.' }),
    batch_events: z.int().meta({ description: 'Of events that are posted together.' }),
    batch_bytes: z.int(),
    described_event_types: z.int(),
    signing_secrets: z.int().meta({ description: 'Of a webhook that sign at the same time.' }),
  })
  .meta({ description: 'What the account may have or send at most.' });

const changedLimits = z
  .strictObject({
    ...ownLimits,
    event_bytes: limit(mostEventBytes, 'Of an event, as it is posted; null for as many as anyone may post.'),
  })
  .partial()
  .meta({ description: 'Those that are given; what is absent stays.' });

export const accountSchema = z
  .object({
    id: shownId('acct'),
    name: z.string(),
    inbox_message_limit: inboxMessageLimitField,
    strict_event_types: strictEventTypesField,
    retention_days: retentionDaysField,
    limits: shownLimits,
    created_at: momentField,
  })
  .meta({ id: 'Account' });

export const createdAccountSchema = accountSchema
  .extend({ api_key: z.string().meta({ description: 'The account’s first key, shown here only.' }) })
  .meta({ id: 'CreatedAccount' });

export const accountPageSchema = pageSchema(accountSchema);

export const accountParams = z.object({ id: idField('acct') });

export const accountChangeSchema = z
  .strictObject({
    name: nameField.optional(),
    inbox_message_limit: inboxMessageLimitField.optional(),
    strict_event_types: strictEventTypesField.optional(),
    retention_days: retentionDaysField.optional(),
    limits: changedLimits.optional(),
  })
  .meta({ id: 'AccountChange' });

export const accountQuery = z.strictObject(pageFields('acct'));
