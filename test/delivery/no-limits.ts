import type { EndpointLimiter } from '../../delivery/endpoint-limiter.ts';
import type { PuttingOff } from '../../delivery/putting-off.ts';

const unforeseen = () => {
  throw new Error('no endpoint is limited here');
};

/** For what is tested with webhooks that have no limits: these are never asked. */
export const noLimits: {
  limiter: Pick<EndpointLimiter, 'take' | 'isBusy' | 'sendAway' | 'everyMs' | 'noteWaiting'>;
  puttingOff: PuttingOff;
  lookAtWaiting: () => void;
} = {
  limiter: {
    ...{ take: unforeseen, isBusy: unforeseen, everyMs: unforeseen, noteWaiting: unforeseen },
    sendAway: () => {},
  },
  puttingOff: { putOff: unforeseen },
  lookAtWaiting: unforeseen,
};
