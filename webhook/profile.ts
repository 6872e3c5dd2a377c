import type { HealthPolicy } from './health-policy.ts';
import type { RetrySchedule } from './retry-schedule.ts';

/** The wire dialects that exist, each a file in profiles/. */
export type ProfileName = 'inbox' | 'inbox-components' | 'app-inbox' | 'omnichannel' | 'standard';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** An event as a receiver is shown it. Everything in it stays the same for every repeat. */
export interface EventToSend {
  /** The event id that the receiver sees; also `webhook-id`, so it holds no full stop. */
  readonly id: string;
  readonly type: string;
  readonly channel: string | null;
  readonly createdAt: Date;
  /** As the producer sent it, fields in the producer's order. */
  readonly data: JsonValue;
  /** 64 hex digits: see idempotency-key.ts. */
  readonly idempotencyKey: () => string;
}

export type AuthType = 'none' | 'basic' | 'bearer' | 'oauth2';

/** What an `Authorization` header is made of. */
export type SentAuth =
  | { readonly type: 'none' }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'bearer'; readonly token: string };

/** The client credentials grant (RFC 6749, section 4.4): a token is got with these, and sent as `bearer`. */
export interface ClientCredentials {
  readonly type: 'oauth2';
  readonly token_url: string;
  readonly client_id: string;
  readonly client_secret: string;
  /** How the client shows the token endpoint who it is (section 2.3.1): by HTTP Basic, or in the form. */
  readonly client_authentication: 'basic' | 'body';
  /** Scopes, with blanks between. */
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  /** What else the token endpoint wants, by name. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** How a request shows the receiver who sends it, beside the signatures. */
export type Auth = SentAuth | ClientCredentials;

/**
 * A header (or set of headers) that signs a request: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature` of Standard Webhooks 1.0, or `X-Inbox-Signature` of seed 003.
 */
export type SignatureScheme = 'standard-webhooks' | 'x-inbox-signature';

/** A registration that names neither profile nor event types, and has no other fields than these. */
export interface RegistrationForm {
  readonly fields: readonly string[];
  /** Of an `auth` that is there. */
  readonly authTypes: readonly AuthType[];
  /** Why another type is refused, in the document's words. */
  readonly authRefusal: string;
}

/** An event type with what a person, a test event or a validator needs to know of it. */
export interface CatalogueEntry {
  readonly type: string;
  readonly description: string;
  /** Example data, from the document that names the type. */
  readonly example: JsonValue;
  /** JSON Schema (draft 2020-12) that the data must fit, where the dialect cannot be sent without. */
  readonly schema?: JsonValue;
}

/**
 * A wire dialect as data. All that differs between dialects is said here, so that no code asks for
 * a profile's name. A webhook may override `retrySchedule`, `timeoutMs` and `health`.
 */
export interface Profile {
  readonly name: ProfileName;
  /**
   * The JSON text to send; its UTF-8 bytes are the request's body, and the same event always makes
   * the same bytes. Throws `UnsendableEventError` when the data has not the form that the dialect needs.
   */
  readonly body: (event: EventToSend) => string;
  readonly signs: readonly SignatureScheme[];
  readonly retrySchedule: RetrySchedule;
  /** From the start of an attempt to the end of its answer, in ms. */
  readonly timeoutMs: number;
  /** Statuses after which there is no further attempt, each with the reason in words. */
  readonly neverRetried: Readonly<Record<number, string>>;
  /** The event types that this dialect can express. */
  readonly carries: 'any' | readonly string[];
  /** Plain http is refused, except to the addresses that the operator lists. */
  readonly httpsOnly: boolean;
  readonly authTypes: readonly AuthType[];
  /** The form in which its document registers a webhook, where that is a form of its own (registration.ts). */
  readonly registration?: RegistrationForm;
  readonly health: HealthPolicy;
  readonly catalogue: readonly CatalogueEntry[];
}
