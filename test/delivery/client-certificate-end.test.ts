import { expect, test } from 'vitest';
import { clientCertificate, pem } from '../certificates/read.ts';
import { attempterAlone, deliveryWith, sealer } from './attempter-alone.ts';

const expired = { certificate: pem('expired'), private_key: pem('expired-key') };

test('nothing is sent with a client certificate that has expired, and the attempt says why', async () => {
  const { attempter, records, sent } = attempterAlone();
  for (const client_certificate of [expired, clientCertificate]) {
    const tls = { client_certificate, server_ca: null };
    await attempter.attempt(deliveryWith((id) => ({ tls_sealed: sealer.seal(JSON.stringify(tls), id) })));
  }
  expect(
    records.map(({ reason, detail, request_headers }) => ({
      reason,
      detail,
      headers: Object.keys(request_headers).length > 0,
    })),
  ).toEqual([
    { reason: 'certificate_expired', detail: "the webhook's client certificate has expired", headers: false },
    { reason: 'tls', detail: 'the receiver is none', headers: true },
  ]);
  expect(sent.map(({ tls }) => tls?.client_certificate?.certificate)).toEqual([
    clientCertificate.certificate,
  ]);
});
