import { z } from 'zod';
import { momentField, nameField, pageFields, pageSchema, shownId } from './fields.schemas.ts';

export const newAccountSchema = z.strictObject({ name: nameField }).meta({ id: 'NewAccount' });

export const accountSchema = z
  .object({ id: shownId('acct'), name: z.string(), created_at: momentField })
  .meta({ id: 'Account' });

export const createdAccountSchema = accountSchema
  .extend({ api_key: z.string().meta({ description: 'The account’s first key, shown here only.' }) })
  .meta({ id: 'CreatedAccount' });

export const accountPageSchema = pageSchema(accountSchema);

export const accountQuery = z.strictObject(pageFields('acct'));
