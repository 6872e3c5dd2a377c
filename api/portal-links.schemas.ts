import { z } from 'zod';
import { idField, momentField, shownId } from './fields.schemas.ts';

const expiresInLimits = { least: 60, most: 30 * 86_400 };

export const newPortalLinkSchema = z
  .strictObject({
    account_id: idField('acct').optional().meta({
      description:
        'Whose dashboard it opens; another account than one’s own needs a key of the first account.',
    }),
    expires_in: z
      .int()
      .min(expiresInLimits.least)
      .max(expiresInLimits.most)
      .meta({ description: 'For how many seconds it can be used.', example: 3_600 }),
    read_only: z.boolean().optional().meta({ description: 'For looking only; false if absent.' }),
  })
  .meta({ id: 'NewPortalLink' });

export const portalLinkSchema = z
  .object({
    id: shownId('plink'),
    url: z.string().meta({
      description: 'Shown here only. What stands after # is the token: browsers send it to no server.',
      example: 'https://postrider.example/portal#portal_…',
    }),
    account_id: shownId('acct'),
    read_only: z.boolean(),
    expires_at: momentField,
  })
  .meta({ id: 'PortalLink' });

export const portalLinkParams = z.object({ id: idField('plink') });
