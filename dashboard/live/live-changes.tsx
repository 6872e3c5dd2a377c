import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { applyChange } from './apply-change.ts';
import { listen } from './listen.ts';
import { LiveContext } from './live-context.ts';

/** While nothing is heard, what is shown is looked up so often. */
const pollMs = 1_500;

/** Listens to what changes on the server, and has it shown. */
export function LiveChanges({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  useEffect(() => {
    const changes = applyChange(client);
    const stopListening = listen('/v1/changes', {
      onLive: setIsLive,
      onChange: changes.add,
      onReset: changes.reset,
    });
    return () => {
      stopListening();
      changes.stop();
    };
  }, [client]);
  useEffect(() => {
    if (isLive) {
      // What could not be loaded while the server was away would stay so until it changes.
      void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
      return;
    }
    const changes = applyChange(client);
    const timer = setInterval(changes.reset, pollMs);
    return () => {
      clearInterval(timer);
      changes.stop();
    };
  }, [client, isLive]);
  return <LiveContext.Provider value={isLive}>{children}</LiveContext.Provider>;
}
