import { z } from 'zod';
import { failureChoices, maxPointerChars, pointerTokens } from '../webhook/ordering.ts';

const pointerField = z
  .string()
  .min(1, 'must name a place in the event: "fifo" is for all events in one order')
  .max(maxPointerChars)
  .refine((text) => pointerTokens(text) !== null, 'must be a JSON Pointer, such as /data/conversation_id')
  .meta({
    description: 'A JSON Pointer (RFC 6901) into the event: its `id`, `type`, `channel` and `data`.',
    example: '/data/conversation_id',
    override: { pattern: '^(/([^~/]|~[01])*)+$' },
  });

export const orderingField = z
  .union([
    z.literal('fifo', 'must be "fifo", or {"fifo_by": …} with a JSON Pointer'),
    z.strictObject({ fifo_by: pointerField }),
  ])
  .meta({
    description:
      'The order in which deliveries go out: `fifo`, one after the other as their events were acknowledged; or ' +
      '`{"fifo_by": "/data/conversation_id"}`, so for those that have the same value there, while others do not wait for them. ' +
      'Null or absent for none.',
    example: { fifo_by: '/data/conversation_id' },
  });

export const onFailureField = z.enum(failureChoices).meta({
  description:
    'With an `ordering`, what becomes of it when a delivery fails for good: `skip`, the next one goes out; `block`, those behind it ' +
    'wait, the endpoint is disabled, and when it is enabled again all goes on with the one that failed. `skip` if absent.',
});
