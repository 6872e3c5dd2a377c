/** Every workflow by the name that it is started under: the entry point of the workflow bundle. */
export { announceInbox } from './announce-inbox.ts';
export { attemptOnce } from './attempt-once.ts';
export { deliverEvents } from './deliver-events.ts';
export { endpointHealth } from './endpoint-health.ts';
export { recoverWebhook } from './recover-webhook.ts';
export { retention } from './retention.ts';
export { sweep } from './sweep.ts';
