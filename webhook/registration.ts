import type { Profile } from './profile.ts';
import { isProfileName, profiles } from './profiles.ts';

/** A part of a registration that is refused: its path in the body, and why. */
export interface RegistrationProblem {
  readonly path: readonly string[];
  readonly detail: string;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * A registration with what its form leaves to be understood. In the form of a profile's own document (seeds 000 and 001:
 * `{url, auth?}`) that is the profile; where the profile carries certain event types only, it is those.
 */
export function completeRegistration(body: Body): { body: Body } | { problem: RegistrationProblem } {
  if (body.events !== undefined) return { body };
  const own = body.profile === undefined ? documentedForm(body) : undefined;
  if (own?.registration !== undefined) {
    const type = typeOf(body.auth);
    const isTaken = type === undefined || own.registration.authTypes.some((taken) => taken === type);
    if (!isTaken) {
      return { problem: { path: ['auth', 'type'], detail: `${named(type)}${own.registration.authRefusal}` } };
    }
  }
  const profile = own ?? namedProfile(body.profile);
  if (profile === undefined || profile.carries === 'any') return { body };
  return { body: { ...body, profile: profile.name, events: profile.carries } };
}

function documentedForm(body: Body): Profile | undefined {
  const names = Object.keys(body);
  if (!names.includes('url')) return undefined;
  return Object.values(profiles).find(({ registration }) =>
    names.every((name) => registration?.fields.includes(name)),
  );
}

function namedProfile(name: unknown): Profile | undefined {
  return typeof name === 'string' && isProfileName(name) ? profiles[name] : undefined;
}

function typeOf(auth: unknown): string | undefined {
  if (typeof auth !== 'object' || auth === null || !('type' in auth)) return undefined;
  return typeof auth.type === 'string' ? auth.type : undefined;
}

/** A type's name is repeated when it is one. */
function named(type: string): string {
  return /^[\w-]{1,32}$/.test(type) ? `"${type}" is not supported: ` : '';
}
