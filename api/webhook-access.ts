import type { Webhook, WebhookSettings } from '../db/webhooks.ts';
import { authProblem } from '../webhook/auth.ts';
import { readAuthorities } from '../webhook/authorities.ts';
import {
  type ClientCertificate,
  certificateDetails,
  readClientCertificate,
} from '../webhook/client-certificate.ts';
import type { Auth, ClientCredentials, Profile } from '../webhook/profile.ts';
import { REDACTED } from '../webhook/request.ts';
import { checkUrl, tokenUrlPolicy } from '../webhook/url-policy.ts';
import type { FieldError } from './problems.ts';
import type { ApiSettings } from './routes.ts';
import type { AuthBody, ClientCertificateBody } from './webhook-access.schemas.ts';

const nothingKept = `${REDACTED} keeps what is stored, and nothing of this type is`;

/** `•••` stands for what is stored. A client's secret is kept for the host that it was given for, and for no other. */
export function withKeptCredentials(given: AuthBody, current: Auth | undefined): Auth {
  if (given.type === 'basic' && given.password === REDACTED && current?.type === 'basic') {
    return { ...given, password: current.password };
  }
  if (given.type === 'bearer' && given.token === REDACTED && current?.type === 'bearer') return current;
  if (given.type !== 'oauth2' || current?.type !== 'oauth2' || !isSameHost(given, current)) return given;
  const { client_secret, parameters } = given;
  return {
    ...given,
    client_secret: client_secret === REDACTED ? current.client_secret : client_secret,
    ...(parameters === undefined ? {} : { parameters: withKeptValues(parameters, current.parameters ?? {}) }),
  };
}

function isSameHost(a: ClientCredentials, b: ClientCredentials): boolean {
  return (
    URL.canParse(a.token_url) &&
    URL.canParse(b.token_url) &&
    new URL(a.token_url).origin === new URL(b.token_url).origin
  );
}

/** `•••` stands for the value that is stored under the name. */
export function withKeptValues(given: Record<string, string>, current: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value === REDACTED && Object.hasOwn(current, name) ? (current[name] ?? value) : value,
    ]),
  );
}

/** What is wrong with how a webhook of the profile is to authenticate. */
export function authErrors(
  auth: Auth,
  { profile, policy }: { profile: Profile; policy: Pick<ApiSettings, 'allowedPrivateCidrs'> },
): FieldError[] {
  const wrong = authProblem(profile, auth);
  const problem = wrong === null || wrong.code === 'auth_client' ? (unkeptCredential(auth) ?? wrong) : wrong;
  const errors: FieldError[] =
    problem === null ? [] : [{ pointer: `/auth/${problem.field}`, detail: problem.detail }];
  if (auth.type !== 'oauth2' || wrong?.code === 'auth_type') return errors;
  const check = checkUrl(auth.token_url, tokenUrlPolicy(policy.allowedPrivateCidrs));
  return check.ok ? errors : [...errors, { pointer: '/auth/token_url', detail: check.problem.detail }];
}

function unkeptCredential(auth: Auth): { field: string; detail: string } | null {
  if (auth.type === 'basic' && auth.password === REDACTED) return { field: 'password', detail: nothingKept };
  if (auth.type === 'bearer' && auth.token === REDACTED) return { field: 'token', detail: nothingKept };
  if (auth.type !== 'oauth2' || auth.client_secret !== REDACTED) return null;
  return { field: 'client_secret', detail: 'must be given anew for another token endpoint' };
}

/** How a webhook authenticates, as answers show it. */
export function shownAuth(auth: Auth): AuthBody {
  switch (auth.type) {
    case 'basic':
      return { ...auth, password: REDACTED };
    case 'bearer':
      return { type: 'bearer', token: REDACTED };
    case 'oauth2': {
      const { parameters, ...rest } = auth;
      const hidden = Object.keys(parameters ?? {}).map((name) => [name, REDACTED]);
      return {
        ...rest,
        client_secret: REDACTED,
        ...(parameters === undefined ? {} : { parameters: Object.fromEntries(hidden) }),
      };
    }
    default:
      return auth;
  }
}

/** The client certificate that a body asks for, checked; one that stays as it is stored is not checked again. */
export function chosenCertificate(
  given: ClientCertificateBody | null | undefined,
  current: Webhook | undefined,
): { chosen: ClientCertificate | null; errors: FieldError[] } {
  if (given == null) return { chosen: null, errors: [] };
  const stored = current?.client_certificate ?? null;
  const isKept = given.private_key === REDACTED;
  if (isKept && stored !== null && given.certificate === stored.certificate) {
    return { chosen: stored, errors: [] };
  }
  if (isKept && stored === null) {
    return { chosen: null, errors: [certificateError('private_key', nothingKept)] };
  }
  const wanted = isKept ? { ...given, private_key: stored?.private_key ?? '' } : given;
  const read = readClientCertificate(wanted, new Date());
  return read.ok
    ? { chosen: read.clientCertificate, errors: [] }
    : { chosen: null, errors: [certificateError(read.problem.field, read.problem.detail)] };
}

function certificateError(field: string, detail: string): FieldError {
  return { pointer: `/client_certificate/${field}`, detail };
}

/** The authorities that a body asks for, checked; those that stay as they are stored are not checked again. */
export function chosenAuthorities(
  given: string | null | undefined,
  current: Webhook | undefined,
): { chosen: string | null; errors: FieldError[] } {
  if (given == null || given === current?.server_ca) return { chosen: given ?? null, errors: [] };
  const read = readAuthorities(given, new Date());
  return read.ok
    ? { chosen: read.authorities, errors: [] }
    : { chosen: given, errors: [{ pointer: '/server_ca', detail: read.problem }] };
}

/** What is wrong with the TLS settings of a webhook beside what they hold. */
export function tlsErrors({
  url,
  client_certificate,
  server_ca,
}: Pick<WebhookSettings, 'url' | 'client_certificate' | 'server_ca'>): FieldError[] {
  const needs = 'needs an https:// URL';
  const isPlain = url !== null && /^http:/i.test(url);
  return [
    ...(isPlain && client_certificate !== null ? [{ pointer: '/client_certificate', detail: needs }] : []),
    ...(isPlain && server_ca !== null ? [{ pointer: '/server_ca', detail: needs }] : []),
  ];
}

/** A client certificate as answers show it, with what people want to know of it. */
export function shownCertificate(certificate: ClientCertificate | null) {
  if (certificate === null) return { client_certificate: null, client_certificate_details: null };
  return {
    client_certificate: { certificate: certificate.certificate, private_key: REDACTED },
    client_certificate_details: certificateDetails(certificate),
  };
}
