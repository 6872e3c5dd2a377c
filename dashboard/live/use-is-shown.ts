import { useSyncExternalStore } from 'react';

/** Whether the page's tab is the one that is looked at. */
export function useIsShown(): boolean {
  return useSyncExternalStore(subscribe, isShown);
}

function subscribe(tell: () => void): () => void {
  document.addEventListener('visibilitychange', tell);
  return () => document.removeEventListener('visibilitychange', tell);
}

function isShown(): boolean {
  return document.visibilityState === 'visible';
}
