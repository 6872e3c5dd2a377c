import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Builds the page into dist/page (scripts/build-page.js says where). Nothing is inlined: the policy allows only files. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic' } },
  css: { modules: { generateScopedName: '[name]_[local]_[hash:base64:4]' } },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'baseline-widely-available',
    // Libraries mark what is for browsers only, which here is everything.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: { proxy: { '/v1': 'http://localhost:3000' } },
});
