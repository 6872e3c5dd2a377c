import type { Profile } from './profile.ts';

/** The longest event type name, in characters. */
export const MAX_EVENT_TYPE_CHARS = 128;

const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** What a webhook asked for. */
export interface Subscription {
  /** Patterns: an exact event type, `message.*`, or `*`. */
  readonly eventTypes: readonly string[];
  /** The channels whose events it gets (a channel-level webhook); null or empty for all (an account-level one). */
  readonly channels: readonly string[] | null;
  readonly profile: Pick<Profile, 'carries'>;
}

/** Whether the text has the form of an event type's name: segments of `A–Z a–z 0–9 _ -` between full stops. */
export function isEventType(text: string): boolean {
  return text.length <= MAX_EVENT_TYPE_CHARS && NAME.test(text);
}

/** Whether the text can be subscribed to: an event type, one with `.*` after it, or `*`. */
export function isPattern(text: string): boolean {
  if (text.length > MAX_EVENT_TYPE_CHARS) return false;
  return text === '*' || NAME.test(text.endsWith('.*') ? text.slice(0, -2) : text);
}

/** Whether the pattern takes the type. `message.*` takes every type below `message`, at any depth, not itself. */
export function matches(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}

/** Whether the dialect can express events of this type. */
export function carriesType(profile: Pick<Profile, 'carries'>, type: string): boolean {
  return profile.carries === 'any' || profile.carries.includes(type);
}

/** Whether a webhook of the profile could ever get an event by this pattern; if not, naming it is a mistake. */
export function canSubscribe(profile: Pick<Profile, 'carries'>, pattern: string): boolean {
  return profile.carries === 'any' || profile.carries.some((type) => matches(pattern, type));
}

/** What decides who gets an event. */
export interface EventToSubscribe {
  readonly type: string;
  readonly channel: string | null;
  /** It tells of an endpoint or a delivery here (`webhook.disabled`), and was not posted by a producer. */
  readonly isOperational?: boolean;
}

/**
 * Whether the webhook gets the event. An operational event goes to webhooks that name it (`webhook.disabled`, `webhook.*`),
 * of whatever channels: `*` and channels are about what producers post.
 */
export function subscribes(
  { eventTypes, channels, profile }: Subscription,
  { type, channel, isOperational = false }: EventToSubscribe,
): boolean {
  if (!carriesType(profile, type)) return false;
  if (isOperational) return eventTypes.some((pattern) => pattern !== '*' && matches(pattern, type));
  const ofChannel =
    channels === null || channels.length === 0 || (channel !== null && channels.includes(channel));
  return ofChannel && eventTypes.some((pattern) => matches(pattern, type));
}
