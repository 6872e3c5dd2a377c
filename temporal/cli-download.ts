import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { runProgram } from './run-program.ts';

/** Where Temporal publishes its releases. */
export const downloadSite = 'https://temporal.download';

/** Longer pauses mean that a firewall swallows what is sent. */
const firstByteMs = 10_000;
const unpackMs = 60_000;

/**
 * Downloads the release of the Temporal CLI for this machine, unpacks it in the folder and resolves to the program.
 * Goes through the proxy of HTTPS_PROXY, as other programs do.
 * @throws Error with the reason in one line
 */
export async function downloadCli(options: {
  version: string;
  folder: string;
  env: NodeJS.ProcessEnv;
  site?: string;
  timeoutMs?: number;
}): Promise<string> {
  const { version, folder, env, site = downloadSite, timeoutMs = firstByteMs } = options;
  const { platform, arch, program } = release();
  const archive = join(folder, 'archive');
  const agent = new EnvHttpProxyAgent({
    ...proxyOf(env),
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const response = await fetch(`${site}/cli/archive/v${version}?platform=${platform}&arch=${arch}`, {
      dispatcher: agent,
    });
    if (!response.ok || response.body === null) throw new Error(`it answered ${response.status}`);
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(archive));
  } catch (error) {
    throw new Error(reasonOf(error));
  } finally {
    await agent.destroy();
  }
  // Of Windows as well, since 2018; it tells gzip from zip by itself.
  await runProgram('tar', ['-xf', archive, '-C', folder, program], { env, timeoutMs: unpackMs }).catch(
    (error: Error) => {
      throw new Error(`the archive cannot be unpacked by tar: ${error.message}`);
    },
  );
  return join(folder, program);
}

function release(): { platform: string; arch: string; program: string } {
  const platform = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string];
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (platform === undefined || arch === undefined) {
    throw new Error(`there is no release for ${process.platform} on ${process.arch}`);
  }
  return { platform, arch, program: platform === 'windows' ? 'temporal.exe' : 'temporal' };
}

function proxyOf(env: NodeJS.ProcessEnv): EnvHttpProxyAgent.Options {
  return {
    httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
    httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
  };
}

/** The innermost message: fetch says no more than "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return (error.message || error.name).split('\n')[0] as string;
}
