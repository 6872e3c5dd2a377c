import { X509Certificate } from 'node:crypto';

/** What PEM holds: at least one certificate, and every one that it begins with can be read. */
export type PemCertificates =
  | { readonly certificates: readonly [X509Certificate, ...X509Certificate[]] }
  | { readonly problem: string };

const begin = '-----BEGIN CERTIFICATE-----';

/** The certificates in a text, in its order; what stands around them is left out. Nothing of the text is repeated. */
export function certificatesIn(pem: string, most: number): PemCertificates {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) return { problem: 'holds a private key' };
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > most) return { problem: `holds more than ${most} certificates` };
  const unreadable = { problem: 'holds a certificate that cannot be read' };
  // One that is cut off would be left out in silence.
  if (pem.split(begin).length - 1 > blocks.length) return unreadable;
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first === undefined) return { problem: `holds no certificate in PEM (${begin})` };
    return { certificates: [first, ...others] };
  } catch {
    return unreadable;
  }
}

/** The same certificates in one form, without what stood around them. */
export function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map(String).join('');
}

/** Since when a certificate has ended, or until when it has not begun; null while it holds. */
export function timeProblem({ validFrom, validTo }: X509Certificate, now: Date): string | null {
  const [start, end] = [new Date(validFrom), new Date(validTo)];
  if (end <= now) return `expired on ${end.toISOString().slice(0, 10)}`;
  if (start > now) return `is not valid before ${start.toISOString()}`;
  return null;
}
