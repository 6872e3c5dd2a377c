import { createContext, useContext } from 'react';
import type { Session } from '../api/types.ts';

export const SessionContext = createContext<Session | undefined>(undefined);

/** Who is signed in; there is always someone within the shell. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('nobody is signed in here');
  return session;
}

/** Whether the session may change anything: what it may not do is not offered. */
export function useCanWrite(): boolean {
  return !useSession().read_only;
}
