import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../ui/button.tsx';
import { storedTheme, storeTheme, type Theme } from './theme.ts';

const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const icons = { system: Monitor, light: Sun, dark: Moon };
const words = { system: 'as the system', light: 'light', dark: 'dark' };

export function ThemeSwitch() {
  const [theme, setTheme] = useState(storedTheme);
  const Icon = icons[theme];
  const turn = () => {
    storeTheme(next[theme]);
    setTheme(next[theme]);
  };
  return (
    <Button kind="ghost" label={`Colours: ${words[theme]}`} onClick={turn}>
      <Icon aria-hidden />
    </Button>
  );
}
