import { z } from 'zod';
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

export const accountSchema = z
  .object({
    id: shownId('acct'),
    name: z.string(),
    inbox_message_limit: inboxMessageLimitField,
    strict_event_types: strictEventTypesField,
    retention_days: retentionDaysField,
    created_at: momentField,
  })
  .meta({ id: 'Account' });

export const accountWithLimitsSchema = accountSchema
  .extend({
    limits: z
      .object({
        event_bytes: z.int().meta({ description: 'Of an event, as it is posted.' }),
        batch_events: z.int().meta({ description: 'Of events that are posted together.' }),
        batch_bytes: z.int(),
        described_event_types: z.int(),
        signing_secrets: z.int().meta({ description: 'Of a webhook that sign at the same time.' }),
      })
      .meta({ description: 'What is every account’s alike.' }),
  })
  .meta({ id: 'AccountWithLimits' });

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
  })
  .meta({ id: 'AccountChange' });

export const accountQuery = z.strictObject(pageFields('acct'));
