import { readFileSync } from 'node:fs';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { TemporalNotUsable } from './not-usable.ts';

/** How a connection to Temporal is encrypted, and as whom it is made. */
export type TemporalCredentials = Pick<NativeConnectionOptions, 'tls' | 'apiKey'>;

/** The settings that say so; paths are of PEM files. */
export interface CredentialSettings {
  readonly TEMPORAL_TLS: boolean | undefined;
  readonly TEMPORAL_TLS_SERVER_CA_CERT_PATH: string | undefined;
  readonly TEMPORAL_TLS_CLIENT_CERT_PATH: string | undefined;
  readonly TEMPORAL_TLS_CLIENT_KEY_PATH: string | undefined;
  readonly TEMPORAL_TLS_SERVER_NAME: string | undefined;
  readonly TEMPORAL_API_KEY: string | undefined;
}

/**
 * Reads the files that the settings name. Any of these settings encrypts the connection.
 * @throws TemporalNotUsable when a file cannot be read, naming its setting
 */
export function readTemporalCredentials(settings: CredentialSettings): TemporalCredentials {
  const ca = contentOf(settings, 'TEMPORAL_TLS_SERVER_CA_CERT_PATH');
  const crt = contentOf(settings, 'TEMPORAL_TLS_CLIENT_CERT_PATH');
  const key = contentOf(settings, 'TEMPORAL_TLS_CLIENT_KEY_PATH');
  const { TEMPORAL_TLS_SERVER_NAME: name, TEMPORAL_API_KEY: apiKey } = settings;
  const tls = {
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    ...(name === undefined ? {} : { serverNameOverride: name }),
  };
  const isEncrypted = settings.TEMPORAL_TLS ?? (Object.keys(tls).length > 0 || apiKey !== undefined);
  return { ...(isEncrypted ? { tls } : {}), ...(apiKey === undefined ? {} : { apiKey }) };
}

function contentOf(
  settings: CredentialSettings,
  name: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH' | 'TEMPORAL_TLS_CLIENT_CERT_PATH' | 'TEMPORAL_TLS_CLIENT_KEY_PATH',
): Buffer | undefined {
  const file = settings[name];
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TemporalNotUsable(
      `${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): ${file}`,
    );
  }
}
