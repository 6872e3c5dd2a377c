import { useEffect, useRef, useState } from 'react';

/** Between the keys of most who type: what is asked for too early is given up when the next key comes. */
const pauseMs = 100;

/** A text field whose value is told once typing pauses, and at once when it is emptied. */
export function useTyped(value: string, tell: (value: string) => void): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  const latest = useRef(tell);
  latest.current = tell;
  useEffect(() => {
    if (value !== told.current) setTyped(value);
    told.current = value;
  }, [value]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(
      () => {
        told.current = typed;
        latest.current(typed);
      },
      typed === '' ? 0 : pauseMs,
    );
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}
