import { certificateLimits } from './client-certificate.ts';
import { certificatesIn, pemOf, timeProblem } from './pem-certificates.ts';

/**
 * Reads the authorities that a receiver's certificate is held against: one certificate in PEM or more. What comes back holds them
 * alone, in one form. One of several may have ended; when all have, no receiver would be trusted.
 */
export function readAuthorities(
  pem: string,
  now: Date,
): { readonly ok: true; readonly authorities: string } | { readonly ok: false; readonly problem: string } {
  const read = certificatesIn(pem, certificateLimits.maxAuthorities);
  if ('problem' in read) return { ok: false, problem: read.problem };
  const problems = read.certificates.map((certificate) => timeProblem(certificate, now));
  const [first] = problems;
  if (first == null || problems.includes(null)) {
    return { ok: true, authorities: pemOf(read.certificates) };
  }
  return { ok: false, problem: problems.length === 1 ? first : 'holds no certificate that is valid now' };
}
