import { createContext, useContext } from 'react';

/** Whether changes on the server are heard of at the moment. */
export const LiveContext = createContext(false);

export function useIsLive(): boolean {
  return useContext(LiveContext);
}
