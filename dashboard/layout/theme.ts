export type Theme = 'system' | 'light' | 'dark';

const storageKey = 'postrider-theme';
const darkSystem = window.matchMedia('(prefers-color-scheme: dark)');

export function storedTheme(): Theme {
  const stored = localStorage.getItem(storageKey);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export function storeTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, theme);
  apply();
}

/** Draws the page as was chosen, or as the system is, and follows the system when that changes. */
export function applyStoredTheme(): void {
  apply();
  darkSystem.addEventListener('change', apply);
}

function apply(): void {
  const theme = storedTheme();
  const isDark = theme === 'dark' || (theme === 'system' && darkSystem.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}
