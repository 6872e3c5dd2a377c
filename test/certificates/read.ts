import { readFileSync } from 'node:fs';

/** A certificate or a key of the tests, by its name: README.md says what there is. */
export const pem = (name: string) => readFileSync(new URL(`./${name}.pem`, import.meta.url), 'utf8');

/** A client's certificate with its chain, and its key. */
export const clientCertificate = {
  certificate: `${pem('client')}${pem('middle')}`,
  private_key: pem('client-key'),
};
