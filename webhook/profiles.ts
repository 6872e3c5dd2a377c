import { operationalCatalogue } from './operational-types.ts';
import type { CatalogueEntry, Profile, ProfileName } from './profile.ts';
import { appInbox } from './profiles/app-inbox.ts';
import { inbox } from './profiles/inbox.ts';
import { inboxComponents } from './profiles/inbox-components.ts';
import { omnichannel } from './profiles/omnichannel.ts';
import { standard } from './profiles/standard.ts';

/** Every profile by its name. A new dialect is one new file and one line here. */
export const profiles: Readonly<Record<ProfileName, Profile>> = {
  inbox,
  'inbox-components': inboxComponents,
  'app-inbox': appInbox,
  omnichannel,
  standard,
};

export const profileNames = Object.keys(profiles) as ProfileName[];

/** What a webhook gets that names no profile. */
export const defaultProfileName: ProfileName = 'inbox';

/** The built-in event types, each once: those of all profiles' documents, and Postrider's own. */
export const eventCatalogue: readonly CatalogueEntry[] = [
  ...Object.values(profiles).flatMap((profile) => profile.catalogue),
  ...operationalCatalogue,
];

/** The catalogue's entry of an event type, or undefined when the type is not built in. */
export function catalogueEntry(type: string): CatalogueEntry | undefined {
  return eventCatalogue.find((entry) => entry.type === type);
}

/** Whether the text names a profile: for what was stored or typed. */
export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(profiles, text);
}
