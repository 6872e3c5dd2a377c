import { actorOf } from '../db/api-keys.ts';
import { findCurrentSecret, mostSigningSecrets, rotateSecret } from '../db/webhook-secrets.ts';
import { findWebhook } from '../db/webhooks.ts';
import { generateSecretLike, parseSecret } from '../webhook/secrets.ts';
import { invalidBody, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';
import { profileOf, secretErrors } from './webhook-settings.ts';
import {
  rotatedSecretSchema,
  secretRotationSchema,
  webhookParams,
  webhookSecretSchema,
} from './webhooks.schemas.ts';

const tag = 'Webhooks';

const getSecret = route({
  method: 'get',
  path: '/v1/webhooks/{id}/secret',
  name: 'getWebhookSecret',
  tag,
  summary: 'Show a webhook’s signing secret',
  access: 'account',
  scope: 'webhooks:write',
  params: webhookParams,
  responses: { 200: { description: 'The newest secret that signs', schema: webhookSecretSchema } },
  async handle({ db, sealer }, { params, caller }) {
    const secret = await findCurrentSecret(db, sealer, caller.account_id, params.id);
    if (secret === undefined) throw notFound('webhook');
    return { status: 200, body: shownSecret(secret) };
  },
});

const postRotation = route({
  method: 'post',
  path: '/v1/webhooks/{id}/rotate-secret',
  name: 'rotateWebhookSecret',
  tag,
  summary: 'Give a webhook a new signing secret',
  description:
    'Until the overlap ends, `webhook-signature` has a signature by each secret, newest first; `X-Inbox-Signature` has ' +
    'room for one, the newest. Rotated again meanwhile, each earlier secret signs until the moment that its own rotation ' +
    `named, save with an overlap of 0, which ends them all. At most ${mostSigningSecrets} sign: beyond that the oldest ` +
    'stops at once.',
  access: 'account',
  params: webhookParams,
  body: secretRotationSchema,
  isBodyOptional: true,
  responses: { 200: { description: 'The new secret, which signs from now on', schema: rotatedSecretSchema } },
  async handle({ db, sealer }, { params, body, caller }) {
    const webhook = await findWebhook(db, sealer, caller.account_id, params.id);
    if (webhook === undefined) throw notFound('webhook');
    const { secret: wanted, overlap_seconds: overlapSeconds } = body;
    const errors = wanted === undefined ? [] : secretErrors(wanted, profileOf(webhook));
    if (errors.length > 0) throw invalidBody(errors);
    const rotated = await rotateSecret(db, sealer, caller.account_id, params.id, {
      overlapSeconds,
      choose: (signing) => chosenSecret(wanted, signing),
      actor: actorOf(caller),
    });
    if (rotated === undefined) throw notFound('webhook');
    const { secret, ...rest } = rotated;
    return { status: 200, body: { ...shownSecret(secret), ...rest } };
  },
});

function chosenSecret(wanted: string | undefined, signing: readonly string[]): string {
  const [current] = signing;
  if (current === undefined) throw new Error('a webhook is stored without a signing secret');
  if (wanted === undefined) return generateSecretLike(current);
  if (!signing.includes(wanted)) return wanted;
  throw invalidBody([{ pointer: '/secret', detail: 'is one that signs already' }]);
}

function shownSecret(secret: string) {
  const parsed = parseSecret(secret);
  return parsed.kind === 'ed25519' ? { secret, public_key: parsed.publicKeyText } : { secret };
}

export const webhookSecretRoutes: Route[] = [getSecret, postRotation];
