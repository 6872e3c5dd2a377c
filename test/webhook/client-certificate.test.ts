import { createPrivateKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateDetails, readClientCertificate } from '../../webhook/client-certificate.ts';
import { clientCertificate, pem } from '../certificates/read.ts';

const now = new Date();
const read = (change: { certificate?: string; private_key?: string; passphrase?: string } = {}, at = now) =>
  readClientCertificate({ ...clientCertificate, ...change }, at);

/** The client's key, encrypted by that way. */
const encrypted = (type: 'pkcs8' | 'sec1') =>
  createPrivateKey(clientCertificate.private_key)
    .export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
    .toString();

const openText = (type: 'pkcs8' | 'sec1') =>
  createPrivateKey(clientCertificate.private_key).export({ type, format: 'pem' }).toString();

describe('a client certificate', () => {
  test('is taken with its chain and its key', () => {
    expect(read()).toEqual({
      ok: true,
      clientCertificate: { ...clientCertificate, private_key: openText('pkcs8') },
    });
  });

  test('is taken without its chain, with text around it, and with a key in the old form', () => {
    const certificate = `subject=CN = postrider\n${pem('client')}\n`;
    expect(read({ certificate, private_key: openText('sec1') })).toEqual({
      ok: true,
      clientCertificate: { certificate: pem('client'), private_key: openText('pkcs8') },
    });
  });

  test.each(['pkcs8', 'sec1'] as const)('with a key that is encrypted (%s) is kept with it open', (type) => {
    expect(read({ private_key: encrypted(type), passphrase: 'open' })).toMatchObject({
      ok: true,
      clientCertificate: { private_key: openText('pkcs8') },
    });
  });

  test.each([
    ['text that is none', { certificate: 'certificate' }, 'certificate'],
    [
      'nothing between the lines',
      { certificate: pem('client').replace(/\n[\w+/=\n]+/, '\nAAAA\n') },
      'certificate',
    ],
    ['a chain that is cut off', { certificate: pem('client') + pem('middle').slice(0, -30) }, 'certificate'],
    ['the key in its place', { certificate: clientCertificate.private_key }, 'certificate'],
    ['a chain in the wrong order', { certificate: pem('middle') + pem('client') }, 'certificate'],
    ['another one’s chain', { certificate: pem('client') + pem('stranger') }, 'certificate'],
    ['a chain without end', { certificate: pem('client').repeat(11) }, 'certificate'],
    ['one that has expired', { certificate: pem('expired'), private_key: pem('expired-key') }, 'certificate'],
    ['text for a key', { private_key: 'key' }, 'private_key'],
    ['the certificate for a key', { private_key: pem('client') }, 'private_key'],
    ['another one’s key', { private_key: pem('stranger-key') }, 'private_key'],
    ['a weak key', { certificate: pem('weak'), private_key: pem('weak-key') }, 'private_key'],
    ['an encrypted key without its passphrase', { private_key: encrypted('pkcs8') }, 'passphrase'],
    ['the same in the old form', { private_key: encrypted('sec1') }, 'passphrase'],
    ['another passphrase', { private_key: encrypted('pkcs8'), passphrase: 'shut' }, 'passphrase'],
    [
      'a key that takes long to open',
      { private_key: pem('client-key.slow'), passphrase: 'open' },
      'private_key',
    ],
    ['a key by scrypt', { private_key: pem('client-key.scrypt'), passphrase: 'open' }, 'private_key'],
    [
      'a key behind a line that hides it',
      {
        private_key: pem('client-key.slow').replace('KEY-----\n', 'KEY-----\nA-B: c\n\n'),
        passphrase: 'open',
      },
      'private_key',
    ],
  ])('is refused for %s, by its field', (_, change, field) => {
    expect(read(change)).toMatchObject({ ok: false, problem: { field } });
  });

  test('is refused on the day on which one of its chain has ended, and says which', () => {
    const end = new Date(new X509Certificate(pem('middle')).validTo);
    const detail = `expired on ${end.toISOString().slice(0, 10)}`;
    const wrong = read({ certificate: pem('middle') + pem('ca') }, end);
    expect(wrong).toMatchObject({ problem: { field: 'certificate', detail: `the certificate ${detail}` } });
    expect(read({}, new Date(end.getTime() - 1_000)).ok).toBe(true);
  });

  test('is refused before the moment from which on it holds, and says which', () => {
    const start = new Date(new X509Certificate(pem('client')).validFrom);
    const detail = `the certificate is not valid before ${start.toISOString()}`;
    const early = read({ certificate: pem('client') }, new Date(start.getTime() - 1_000));
    expect(early).toMatchObject({ problem: { field: 'certificate', detail } });
    expect(read({ certificate: pem('client') }, start).ok).toBe(true);
  });

  test('is told by names, number, fingerprint and times', () => {
    const [not_before, not_after] = [expect.any(Date), expect.any(Date)];
    expect(certificateDetails(clientCertificate)).toEqual({
      subject: 'O=Tests, CN=postrider',
      issuer: "CN=Tests' second authority",
      serial_number: expect.stringMatching(/^[\dA-F]+$/),
      fingerprint: expect.stringMatching(/^([\dA-F]{2}:){31}[\dA-F]{2}$/),
      ...{ not_before, not_after },
    });
    expect(certificateDetails(clientCertificate).not_after.getUTCFullYear()).toBe(2126);
  });

  test('of whatever text there is, is refused and nothing else, and the problem repeats none of it', () => {
    const edges = fc.constantFrom(...clientCertificate.private_key.split('\n'), ...pem('client').split('\n'));
    const text = fc.array(fc.oneof(edges, fc.string()), { maxLength: 8 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(
        text,
        text,
        fc.option(fc.string(), { nil: undefined }),
        (certificate, private_key, passphrase) => {
          const outcome = readClientCertificate({ certificate, private_key, passphrase }, now);
          if (outcome.ok || certificate.length < 40) return;
          expect(outcome.problem.detail).not.toContain(certificate);
        },
      ),
    );
  });
});
