import { createRoot } from 'react-dom/client';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import { App } from './app.tsx';
import { applyStoredTheme } from './layout/theme.ts';
import { noteScrolling } from './layout/use-navigation-focus.ts';

applyStoredTheme();
noteScrolling();
const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
createRoot(root).render(<App />);
