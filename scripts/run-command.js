import { spawn } from 'node:child_process';

/** The command could not be run, or failed; the message holds the end of what it said. */
export class CommandFailed extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'CommandFailed';
  }
}

const mostKept = 4_000;

/**
 * Runs a command to its end without a terminal. It ends with this process.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<void>}
 * @throws {CommandFailed}
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    let said = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      said = (said + chunk.toString()).slice(-mostKept);
    };
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => child.kill();
    process.once('exit', end);
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', (error) => reject(new CommandFailed(`${command} cannot be run: ${error.message}`)));
    child.once('close', (code) => {
      process.off('exit', end);
      if (code === 0) resolve();
      else
        reject(
          new CommandFailed(`${[command, ...args].join(' ')} failed (exit code ${code}):\n${said.trim()}`),
        );
    });
  });
}
