import { z } from 'zod';
import { idField, shownId } from './fields.schemas.ts';

export const resendSchema = z
  .strictObject({
    webhook_id: idField('wh').optional().meta({
      description: 'The one webhook to send it to, subscribed or not; all that subscribe to it if absent.',
    }),
  })
  .meta({ id: 'Resend' });

export const resentSchema = z
  .object({
    event_id: z.string(),
    deliveries: z.array(
      z.object({
        id: shownId('dlv'),
        webhook_id: shownId('wh'),
        attempt_id: shownId('att').nullable().meta({
          description:
            'The one more attempt of a delivery that there was; null for a delivery that was added, or queued to be pulled once more.',
        }),
      }),
    ),
  })
  .meta({ id: 'Resent' });
