import type { Caller } from '../db/api-keys.ts';
import { findEventType } from '../db/event-types.ts';
import { newId } from '../db/ids.ts';
import { eventToSend } from '../delivery/event-to-send.ts';
import type { EventForExpression } from '../delivery/expressions.ts';
import { authProblem } from '../webhook/auth.ts';
import { headerProblems } from '../webhook/header-policy.ts';
import type { Profile } from '../webhook/profile.ts';
import { catalogueEntry, defaultProfileName, profiles } from '../webhook/profiles.ts';
import { buildRequest, REDACTED, redactHeaders } from '../webhook/request.ts';
import { generateSecret } from '../webhook/secrets.ts';
import { carriesType } from '../webhook/subscriptions.ts';
import { UnsendableEventError } from '../webhook/unsendable-event.ts';
import { type FieldError, invalidBody } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import { pointerTo } from './validation.ts';
import type { AuthBody } from './webhook-access.schemas.ts';
import { previewedRequestSchema, webhookPreviewSchema } from './webhook-preview.schemas.ts';

const exampleUrl = 'https://yourapp.com/webhooks/inbox';
/** Its transformation is waited for so long at most, in ms. */
const patienceMs = 5_000;

const postPreview = route({
  method: 'post',
  path: '/v1/webhooks/preview',
  name: 'previewWebhook',
  tag: 'Webhooks',
  summary: 'Show the request that a webhook would get',
  description:
    'Of an example event, signed with a secret that is made for it. Nothing is sent, and nothing stored. Values that are ' +
    'secret are shown as •••, as attempts show them.',
  access: 'account',
  scope: 'webhooks:read',
  body: webhookPreviewSchema,
  responses: { 200: { description: 'The request', schema: previewedRequestSchema } },
  async handle(services, { body, caller }) {
    const profile = profiles[body.profile ?? defaultProfileName];
    const { event_type, headers = {}, auth = { type: 'none' as const } } = body;
    const wrongAuth = authProblem(profile, unhidden(auth));
    const errors: FieldError[] = [
      ...(carriesType(profile, event_type) ? [] : [notCarried(profile)]),
      ...headerProblems(headers).map(({ name, detail }) => ({
        pointer: pointerTo(name === null ? ['headers'] : ['headers', name]),
        detail,
      })),
      ...(wrongAuth === null ? [] : [{ pointer: `/auth/${wrongAuth.field}`, detail: wrongAuth.detail }]),
    ];
    if (errors.length > 0) throw invalidBody(errors);
    const now = services.now();
    const data = await exampleOf(services, { account_id: caller.account_id, type: event_type, profile });
    const event = {
      ...{ id: newId('evt'), client_id: null, type: event_type, channel: null, created_at: now },
      data: JSON.stringify(data),
    };
    try {
      const plain = profile.body(eventToSend(event));
      const request = buildRequest({
        profile,
        event: eventToSend(event),
        body: body.transformation
          ? await exampleBody(services, caller, { expression: body.transformation, event, body: plain })
          : plain,
        secrets: [generateSecret()],
        auth: auth.type === 'oauth2' ? { type: 'bearer', token: hidden } : auth,
        headers,
        attemptedAt: now,
        userAgent: `Postrider/${services.settings.version}`,
      });
      const shownHeaders = redactHeaders(request.headers, Object.keys(headers));
      return {
        status: 200,
        body: { method: 'POST', url: body.url ?? exampleUrl, headers: shownHeaders, body: request.body },
      };
    } catch (error) {
      if (error instanceof UnsendableEventError) throw invalidBody([notCarried(profile)]);
      throw error;
    }
  },
});

/** Stands in for what is stored and for a token that nobody has asked for; shown as ••• again. */
const hidden = 'hidden';

/** A form shows ••• for what is stored. */
function unhidden(auth: AuthBody): AuthBody {
  const text = JSON.stringify(auth);
  return JSON.parse(text.replaceAll(`"${REDACTED}"`, `"${hidden}"`));
}

/** What the transformation makes of the example. @throws Problem 422 */
async function exampleBody(
  { expressions }: Services,
  { account_id }: Caller,
  example: { expression: string; event: EventForExpression; body: string },
): Promise<string> {
  const made = await expressions.transform({ account_id, patienceMs, ...example });
  if ('body' in made) return made.body;
  const { position, message } = made.failure;
  const detail = `fails on the example${position === null ? '' : ` at character ${position}`}: ${message}`;
  throw invalidBody([{ pointer: '/transformation', detail }]);
}

function notCarried({ name }: Profile): FieldError {
  return { pointer: '/event_type', detail: `the profile ${name} does not carry events of this type` };
}

/** Example data of a type: the account's own, else the profile's, else that of any profile, else a plain one. */
export async function exampleOf(
  { db }: Pick<Services, 'db'>,
  {
    account_id,
    type,
    profile,
  }: { account_id: Parameters<typeof findEventType>[1]; type: string; profile: Profile },
): Promise<unknown> {
  const own = await findEventType(db, account_id, type);
  if (own?.example != null) return JSON.parse(own.example);
  const entry = profile.catalogue.find((one) => one.type === type) ?? catalogueEntry(type);
  return entry?.example ?? { message: 'This is a test event' };
}

export const webhookPreviewRoutes: Route[] = [postPreview];
