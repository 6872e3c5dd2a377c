import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../delivery/http-client.ts';
import type { OwnTls } from '../../delivery/own-agents.ts';
import { clientCertificate, pem } from '../certificates/read.ts';
import { certificate } from './receivers.ts';

/** A receiver that wants a certificate of the tests' authority. Answers the client's name, and by which connection it came. */
const server = createServer(
  { ...certificate, ca: pem('ca'), requestCert: true, rejectUnauthorized: true },
  ({ socket }, response) => {
    response.end(`${(socket as TLSSocket).getPeerCertificate().subject.CN} ${socket.remotePort}`);
  },
);
let url: string;
const http = createHttpClient({ isAddressAllowed: () => true, connectionsPerOrigin: 1 });
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await http.close();
  server.close();
});

const tlsOf = (owner: string, change: Partial<OwnTls> = {}): OwnTls => ({
  ...{ owner, client_certificate: clientCertificate, server_ca: certificate.cert },
  ...change,
});
const post = (tls?: OwnTls) => http.post({ url, headers: {}, body: '{}', timeoutMs: 5_000, tls });
/** As Node's servers do it; others send an alert of TLS. */
const closed = { kind: 'failed', reason: 'connection_reset' };
const stranger = { certificate: pem('stranger'), private_key: pem('stranger-key') };

async function connectionOf(tls: OwnTls): Promise<string> {
  const answer = await post(tls);
  expect(answer).toMatchObject({ kind: 'answered', status: 200 });
  const [name, port = ''] = (answer.kind === 'answered' ? answer.body : '').split(' ');
  expect(name).toBe('postrider');
  return port;
}

describe('a receiver that wants a client certificate', () => {
  test('lets in whoever has one, and its connections are the webhook’s own', async () => {
    const mine = tlsOf('wh_mine');
    const first = await connectionOf(mine);
    expect(await connectionOf(mine)).toBe(first);
    // Read from the database once more, it is the same.
    expect(await connectionOf(structuredClone(mine))).toBe(first);
    expect(await connectionOf(tlsOf('wh_other'))).not.toBe(first);
  });

  test.each([
    ['without one', tlsOf('wh_none', { client_certificate: null })],
    ['with a stranger’s', tlsOf('wh_stranger', { client_certificate: stranger })],
  ])('closes the connection of whoever comes %s', async (_, tls) => {
    expect(await post(tls)).toMatchObject(closed);
  });

  test('is asked with the new certificate as soon as there is one', async () => {
    expect(await post(tlsOf('wh_changed', { client_certificate: stranger }))).toMatchObject(closed);
    await connectionOf(tlsOf('wh_changed'));
    expect(await post(tlsOf('wh_changed', { client_certificate: stranger }))).toMatchObject(closed);
  });
});

test('an attempt that waited while the settings changed, there and back, is made all the same', async () => {
  const [before, after] = [tlsOf('wh_both'), tlsOf('wh_both', { server_ca: `${certificate.cert}\n` })];
  const answers = await Promise.all([before, after, before, after].map(post));
  expect(answers.map((answer) => answer.kind === 'answered' && answer.status)).toEqual(Array(4).fill(200));
});

test('a receiver’s certificate is held against the webhook’s own authorities, and otherwise against all', async () => {
  expect(await post(tlsOf('wh_public', { server_ca: null }))).toMatchObject({
    ...{ kind: 'failed', reason: 'tls', detail: expect.stringContaining('SELF_SIGNED') },
  });
  expect(await post(tlsOf('wh_else', { server_ca: pem('ca') }))).toMatchObject({
    kind: 'failed',
    reason: 'tls',
  });
});
