import { z } from 'zod';
import { scopes } from '../db/schema.ts';
import { momentField, shownId } from './fields.schemas.ts';

const apiKeyProof = z.strictObject({ api_key: z.string().min(1).max(200) });
const portalProof = z.strictObject({
  portal_token: z.string().min(1).max(200).meta({ description: 'What stands after # in a portal link.' }),
});

export const newSessionSchema = z.union([apiKeyProof, portalProof]).meta({ id: 'NewSession' });

export const sessionSchema = z
  .object({
    account: z.object({ id: shownId('acct'), name: z.string() }),
    via: z.enum(['api_key', 'portal_link']),
    read_only: z.boolean(),
    is_admin: z.boolean().meta({ description: 'Whether it manages other accounts.' }),
    scopes: z.array(z.enum(scopes)),
    expires_at: momentField
      .nullable()
      .meta({ description: 'When it ends; null for an API key that does not.' }),
    temporal_ui_url: z
      .string()
      .nullable()
      .meta({ description: 'Where Temporal’s own page is; for the first account only.' }),
    temporal_namespace: z.string(),
    version: z.string(),
    postrider_url: z.string(),
  })
  .meta({ id: 'Session' });
