import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { encryptedKeyIn } from './encrypted-key.ts';
import { certificatesIn, pemOf, timeProblem } from './pem-certificates.ts';

/** What certificates and keys may hold, in characters of PEM and otherwise in number. */
export const certificateLimits = {
  maxChars: 32_768,
  maxChain: 10,
  maxAuthorities: 20,
  maxKeyChars: 16_384,
  maxPassphraseChars: 1_024,
  minRsaBits: 2_048,
  maxRsaBits: 8_192,
} as const;

/** What shows a webhook's receiver who connects (mTLS). */
export interface ClientCertificate {
  /** PEM, its chain after it. */
  readonly certificate: string;
  /** PEM, PKCS #8, not encrypted. */
  readonly private_key: string;
}

/** What people want to know of a certificate. */
export interface CertificateDetails {
  /** Names as in RFC 4514, such as `CN=postrider, O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  readonly serial_number: string;
  /** SHA-256 of the certificate, in hex with colons between. */
  readonly fingerprint: string;
  readonly not_before: Date;
  readonly not_after: Date;
}

/** Why a certificate, its key or its passphrase is refused. Nothing of the key or the passphrase is repeated. */
export interface CertificateProblem {
  readonly field: 'certificate' | 'private_key' | 'passphrase';
  readonly detail: string;
}

export type ReadCertificate =
  | { readonly ok: true; readonly clientCertificate: ClientCertificate }
  | { readonly ok: false; readonly problem: CertificateProblem };

/**
 * Reads a client certificate as it was given: PEM, the chain after it in order, and its private key, which may be
 * encrypted. What comes back is in one form, and its key open, so that the passphrase need not be kept.
 */
export function readClientCertificate(
  given: { certificate: string; private_key: string; passphrase?: string | undefined },
  now: Date,
): ReadCertificate {
  const refused = (field: CertificateProblem['field'], detail: string): ReadCertificate => ({
    ok: false,
    problem: { field, detail },
  });
  const chain = certificatesIn(given.certificate, certificateLimits.maxChain);
  if ('problem' in chain) return refused('certificate', chain.problem);
  const [leaf] = chain.certificates;
  const chainProblem = problemOfChain(chain.certificates, now);
  if (chainProblem !== null) return refused('certificate', chainProblem);
  const key = openKey(given.private_key, given.passphrase);
  if ('field' in key) return refused(key.field, key.detail);
  const keyProblem = problemOfKey(key);
  if (keyProblem !== null) return refused('private_key', keyProblem);
  if (!leaf.checkPrivateKey(key)) return refused('private_key', 'does not belong to the certificate');
  const clientCertificate = {
    certificate: pemOf(chain.certificates),
    private_key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  try {
    createSecureContext({ cert: clientCertificate.certificate, key: clientCertificate.private_key });
  } catch {
    return refused('certificate', 'cannot be used for TLS: its key or its signature is too weak');
  }
  return { ok: true, clientCertificate };
}

/** Of the first certificate, which is the webhook's own. */
export function certificateDetails({
  certificate,
}: Pick<ClientCertificate, 'certificate'>): CertificateDetails {
  const { subject, issuer, serialNumber, fingerprint256, validFrom, validTo } = new X509Certificate(
    certificate,
  );
  return {
    subject: onOneLine(subject),
    issuer: onOneLine(issuer),
    serial_number: serialNumber,
    fingerprint: fingerprint256,
    not_before: new Date(validFrom),
    not_after: new Date(validTo),
  };
}

/** Node has a name's parts on lines of their own; a certificate may have none at all. */
function onOneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

function problemOfChain(chain: readonly X509Certificate[], now: Date): string | null {
  for (const [index, certificate] of chain.entries()) {
    const which = index === 0 ? 'the certificate' : `certificate ${index + 1} of the chain`;
    const problem = timeProblem(certificate, now);
    if (problem !== null) return `${which} ${problem}`;
    const issuer = chain[index + 1];
    if (issuer !== undefined && !certificate.checkIssued(issuer)) {
      return `certificate ${index + 2} of the chain is not the issuer of the one before it`;
    }
  }
  return null;
}

function openKey(pem: string, passphrase: string | undefined): KeyObject | CertificateProblem {
  const encrypted = encryptedKeyIn(pem);
  if (encrypted === null) {
    const detail =
      'is encrypted in a way that is not taken: PKCS #8 by PBKDF2 with up to 100,000 iterations is';
    return { field: 'private_key', detail };
  }
  const isEncrypted = encrypted !== undefined || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (isEncrypted && passphrase === undefined) {
    return { field: 'passphrase', detail: 'is required: the private key is encrypted' };
  }
  const secret = passphrase === undefined ? {} : { passphrase };
  try {
    return encrypted === undefined
      ? createPrivateKey({ key: pem, format: 'pem', ...secret })
      : createPrivateKey({ key: encrypted, format: 'der', type: 'pkcs8', ...secret });
  } catch {
    return isEncrypted
      ? { field: 'passphrase', detail: 'does not open the private key' }
      : { field: 'private_key', detail: 'holds no private key in PEM that can be read' };
  }
}

function problemOfKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | null {
  const { minRsaBits, maxRsaBits } = certificateLimits;
  if (type === 'ec' || type === 'ed25519' || type === 'ed448') return null;
  if (type !== 'rsa' && type !== 'rsa-pss') return 'is neither an RSA, an EC nor an Ed25519 key';
  const bits = details?.modulusLength ?? 0;
  return bits >= minRsaBits && bits <= maxRsaBits
    ? null
    : `is an RSA key of ${bits} bits; ${minRsaBits} to ${maxRsaBits} are taken`;
}
