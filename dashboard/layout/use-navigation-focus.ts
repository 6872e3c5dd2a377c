import { useEffect, useRef } from 'react';

/** Where each address of this visit was scrolled to. */
const scrolledTo = new Map<string, number>();
/** Where the window was on the page that one goes back to, until that page is shown. */
let backTo = { href: '', top: 0 };

/** Notes where the window is. Called before anything is shown: it has to hear of a step back before the router does. */
export function noteScrolling(): void {
  window.history.scrollRestoration = 'manual';
  window.addEventListener('scroll', () => scrolledTo.set(window.location.href, window.scrollY), {
    passive: true,
  });
  window.addEventListener('popstate', () => {
    const { href } = window.location;
    backTo = { href, top: scrolledTo.get(href) ?? 0 };
  });
}

/**
 * On another page the keyboard and screen readers begin at its top, and so does the window; going back, the window is where
 * it was. (The browser cannot do that by itself: when it goes back, the page is not yet there.)
 */
export function useNavigationFocus(location: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    main.current?.focus({ preventScroll: true });
    const top = backTo.href === window.location.href ? backTo.top : 0;
    backTo = { href: '', top: 0 };
    window.scrollTo(0, top);
    return top === 0 ? undefined : keepScrolling(top);
  }, [location]);
  return main;
}

const patienceMs = 1_000;

/** Scrolls there again until the page is high enough for it, or somebody scrolls. The answer ends it. */
function keepScrolling(top: number): () => void {
  const startedAt = performance.now();
  const ends = ['wheel', 'touchstart', 'keydown', 'pointerdown'] as const;
  let frame = requestAnimationFrame(again);
  for (const name of ends) window.addEventListener(name, stop, { passive: true });

  function again() {
    if (Math.abs(window.scrollY - top) > 1) window.scrollTo(0, top);
    if (performance.now() - startedAt < patienceMs) frame = requestAnimationFrame(again);
    else stop();
  }

  function stop() {
    cancelAnimationFrame(frame);
    for (const name of ends) window.removeEventListener(name, stop);
  }

  return stop;
}
