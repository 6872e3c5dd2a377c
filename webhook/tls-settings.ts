import type { ClientCertificate } from './client-certificate.ts';

/** What a webhook wants of the TLS connections to its receiver, beyond what all have. */
export interface TlsSettings {
  /** What shows the receiver who connects (mTLS); null for nothing. */
  readonly client_certificate: ClientCertificate | null;
  /** The authorities (PEM) that the receiver's certificate is held against; null for the public ones. */
  readonly server_ca: string | null;
}

export const noTls: TlsSettings = { client_certificate: null, server_ca: null };
