import { CircleAlert, CircleCheck } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import styles from './toasts.module.css';

interface Toast {
  id: number;
  text: string;
  isBad: boolean;
}

interface Say {
  done(text: string): void;
  failed(error: Error): void;
}

const shownMs = 5_000;
const SayContext = createContext<Say | undefined>(undefined);

/** Says in a corner, for some seconds, that something was done, or why not. */
export function useSay(): Say {
  const say = useContext(SayContext);
  if (say === undefined) throw new Error('there are no toasts here');
  return say;
}

let lastId = 0;

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const add = useCallback((text: string, isBad: boolean) => {
    lastId += 1;
    const toast = { id: lastId, text, isBad };
    setToasts((shown) => [...shown.slice(-2), toast]);
    setTimeout(() => setToasts((shown) => shown.filter(({ id }) => id !== toast.id)), shownMs);
  }, []);
  const say = useMemo<Say>(
    () => ({ done: (text) => add(text, false), failed: (error) => add(error.message, true) }),
    [add],
  );
  return (
    <SayContext.Provider value={say}>
      {children}
      <div className={styles.toasts} role="status" aria-live="polite">
        {toasts.map(({ id, text, isBad }) => (
          <div key={id} className={`${styles.toast} ${isBad ? styles.bad : ''}`}>
            {isBad ? <CircleAlert aria-hidden /> : <CircleCheck aria-hidden />}
            {text}
          </div>
        ))}
      </div>
    </SayContext.Provider>
  );
}
