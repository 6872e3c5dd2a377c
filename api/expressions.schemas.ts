import { z } from 'zod';
import { expressionLimits } from '../webhook/expressions.ts';

const expressionField = z
  .string()
  .min(1, 'must be an expression; null is for none')
  .max(expressionLimits.characters);
const format = { override: { format: 'jsonata' } };

export const filterField = expressionField.meta({
  description:
    'JSONata over the event (`id`, `type`, `channel`, `created_at`, `data`): the webhook gets the events for which it is true. ' +
    'Null or absent for all that it subscribes to.',
  example: "data.amount > 100 and channel = 'whatsapp:+15551234567'",
  ...format,
});

export const transformationField = expressionField.meta({
  description:
    'JSONata over the event, whose result is sent, as JSON, in place of the profile’s body, which it knows as `$body`. Null or ' +
    'absent for that body as it is.',
  example: '$merge([$body, {"source": "postrider"}])',
  ...format,
});
