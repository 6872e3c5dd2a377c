import { z } from 'zod';
import { scopes } from '../db/schema.ts';
import {
  idField,
  momentField,
  nameField,
  pageFields,
  pageSchema,
  shownId,
  timeField,
} from './fields.schemas.ts';

const scopesField = z.array(z.enum(scopes)).min(1, 'must name at least one').max(scopes.length);

/** What a key is good for that says nothing of it. */
export const usualScopes = scopes.filter((scope) => scope !== 'admin');

export const newApiKeySchema = z
  .strictObject({
    name: nameField,
    scopes: scopesField.optional().meta({
      description: `What it is good for; all but \`admin\` if absent. \`admin\` is good for everything.`,
      example: ['events:write'],
    }),
    expires_at: timeField
      .nullish()
      .meta({ description: 'Null or absent for never.', example: '2100-01-01T00:00:00Z' }),
  })
  .meta({ id: 'NewApiKey' });

export const apiKeySchema = z
  .object({
    id: shownId('key'),
    name: z.string(),
    hint: z.string().meta({ description: 'The key’s last four characters.' }),
    scopes: scopesField,
    created_at: momentField,
    expires_at: momentField.nullable(),
    last_used_at: momentField.nullable().meta({ description: 'To within a minute or so.' }),
    revoked_at: momentField.nullable(),
  })
  .meta({ id: 'ApiKey' });

export const createdApiKeySchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key, shown here only.' }) })
  .meta({ id: 'CreatedApiKey' });

export const apiKeyPageSchema = pageSchema(apiKeySchema);

export const apiKeyParams = z.object({ id: idField('key') });

export const apiKeyQuery = z.strictObject(pageFields('key'));
