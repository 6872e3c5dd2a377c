import { useEffect, useRef } from 'react';

/** Where each address of this visit was scrolled to. */
const scrolledTo = new Map<string, number>();

/**
 * On another page the keyboard and screen readers begin at its top, and so does the window; going back, the window is where
 * it was. (The browser cannot do that by itself: when it goes back, the page is not yet there.)
 */
export function useNavigationFocus(location: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  const wentBack = useRef(false);
  useEffect(() => {
    const note = () => scrolledTo.set(window.location.href, window.scrollY);
    const back = () => {
      wentBack.current = true;
    };
    window.history.scrollRestoration = 'manual';
    window.addEventListener('scroll', note, { passive: true });
    // In the capture phase: before the router hears of it, and shows the page.
    window.addEventListener('popstate', back, true);
    return () => {
      window.removeEventListener('scroll', note);
      window.removeEventListener('popstate', back, true);
    };
  }, []);
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    main.current?.focus({ preventScroll: true });
    const top = wentBack.current ? (scrolledTo.get(window.location.href) ?? 0) : 0;
    wentBack.current = false;
    if (top === 0) window.scrollTo(0, 0);
    else requestAnimationFrame(() => window.scrollTo(0, top));
  }, [location]);
  return main;
}
