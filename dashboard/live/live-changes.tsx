import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { applyChange } from './apply-change.ts';
import { listen } from './listen.ts';
import { LiveContext } from './live-context.ts';
import { useIsShown } from './use-is-shown.ts';

/** While nothing is heard, what is shown is looked up so often. */
const pollMs = 1_500;

/**
 * Listens to what changes on the server, and has it shown. Only while somebody looks: a browser has six connections for all tabs
 * of a server, and those that listen would leave none to load anything with.
 */
export function LiveChanges({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  const isShown = useIsShown();
  const wasHidden = useRef(false);
  useEffect(() => {
    if (!isShown) {
      wasHidden.current = true;
      return;
    }
    const changes = applyChange(client);
    const stopListening = listen('/v1/changes', {
      onLive(isLive) {
        setIsLive(isLive);
        // What changed while nobody looked was not heard.
        if (isLive && wasHidden.current) changes.reset();
        if (isLive) wasHidden.current = false;
      },
      onChange: changes.add,
      onReset: changes.reset,
    });
    return () => {
      stopListening();
      changes.stop();
      setIsLive(false);
    };
  }, [client, isShown]);
  useEffect(() => {
    if (isLive) {
      // What could not be loaded while the server was away would stay so until it changes.
      void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
      return;
    }
    if (!isShown) return;
    const changes = applyChange(client);
    const timer = setInterval(changes.reset, pollMs);
    return () => {
      clearInterval(timer);
      changes.stop();
    };
  }, [client, isLive, isShown]);
  return <LiveContext.Provider value={isLive}>{children}</LiveContext.Provider>;
}
