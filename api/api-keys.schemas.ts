import { z } from 'zod';
import { idField, momentField, nameField, pageFields, pageSchema, shownId } from './fields.schemas.ts';

export const newApiKeySchema = z.strictObject({ name: nameField }).meta({ id: 'NewApiKey' });

export const apiKeySchema = z
  .object({
    id: shownId('key'),
    name: z.string(),
    hint: z.string().meta({ description: 'The key’s last four characters.' }),
    created_at: momentField,
    revoked_at: momentField.nullable(),
  })
  .meta({ id: 'ApiKey' });

export const createdApiKeySchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key, shown here only.' }) })
  .meta({ id: 'CreatedApiKey' });

export const apiKeyPageSchema = pageSchema(apiKeySchema);

export const apiKeyParams = z.object({ id: idField('key') });

export const apiKeyQuery = z.strictObject(pageFields('key'));
