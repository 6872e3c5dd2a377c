import { build } from './build.js';
import { installPackages } from './install-packages.js';

/**
 * Installs and compiles what is missing in a checkout. What prevents it is a line on stderr and exit code 1.
 * @param {string} root
 */
export async function installAndBuild(root) {
  try {
    await installPackages(root);
    await build(root);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'CommandFailed') throw error;
    console.error(`postrider: ${error.message}`);
    process.exit(1);
  }
}
