import { z } from 'zod';

const cursorField = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the id of a message of this stream')
  .transform(Number)
  .optional()
  .meta({ override: { type: 'string', pattern: '^[0-9]{1,15}$' } });

export const changesHeaders = z.object({
  'Last-Event-ID': cursorField.meta({
    description: 'Goes on after that message, as browsers ask by themselves.',
  }),
});

export const changesQuery = z.strictObject({
  last_event_id: cursorField.meta({ description: 'The same, for those who cannot send the header.' }),
});
