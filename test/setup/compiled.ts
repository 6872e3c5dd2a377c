import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/build.js';

/** Compiles what `npm start` runs. */
export default function compile(): Promise<void> {
  return build(fileURLToPath(new URL('../..', import.meta.url)));
}
