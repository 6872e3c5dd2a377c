import {
  Activity,
  Inbox,
  type LucideIcon,
  Send,
  Settings,
  Shapes,
  SquareTerminal,
  Webhook,
} from 'lucide-react';
import type { Session } from '../api/types.ts';

export interface Place {
  to: string;
  label: string;
  icon: LucideIcon;
}

const places: readonly Place[] = [
  { to: '/', label: 'Overview', icon: Activity },
  { to: '/webhooks', label: 'Webhooks', icon: Webhook },
  { to: '/deliveries', label: 'Deliveries', icon: Send },
  { to: '/events', label: 'Events', icon: SquareTerminal },
  { to: '/inbox', label: 'App Inbox', icon: Inbox },
  { to: '/settings', label: 'Settings', icon: Settings },
];

const eventTypes: Place = { to: '/settings/event-types', label: 'Event types', icon: Shapes };

/** Where a session can go: a portal link opens one account's webhooks and what they can be sent, not its keys. */
export function placesOf({ via }: Pick<Session, 'via'>): readonly Place[] {
  return via === 'portal_link' ? [...places.filter(({ to }) => to !== '/settings'), eventTypes] : places;
}

/** Whether the location is the place or below it. */
export function isWithin(location: string, to: string): boolean {
  return to === '/' ? location === '/' : location === to || location.startsWith(`${to}/`);
}
