import { describe, expect, test } from 'vitest';
import { BlockedAddressError, ResolveError } from '../../delivery/checked-connector.ts';
import { networkFailureOf } from '../../delivery/network-failures.ts';

const coded = (code: string, message = 'http://s3cret') => Object.assign(new Error(message), { code });
const connecting = { isSent: false, isTls: true };
const sent = { isSent: true, isTls: true };

describe('what an error means', () => {
  test.each([
    ['ECONNREFUSED', connecting, { reason: 'connection_refused' }],
    ['ECONNRESET', connecting, { reason: 'connection_reset' }],
    ['EPIPE', sent, { reason: 'connection_reset' }],
    ['UND_ERR_SOCKET', sent, { reason: 'connection_reset' }],
    ['UND_ERR_CONNECT_TIMEOUT', connecting, { reason: 'connect_timeout' }],
    ['ETIMEDOUT', connecting, { reason: 'connect_timeout' }],
    ['ETIMEDOUT', sent, { reason: 'timeout', code: 'ETIMEDOUT' }],
    ['EHOSTUNREACH', connecting, { reason: 'unreachable', code: 'EHOSTUNREACH' }],
    ['ENETUNREACH', connecting, { reason: 'unreachable', code: 'ENETUNREACH' }],
    ['CERT_HAS_EXPIRED', connecting, { reason: 'tls', code: 'CERT_HAS_EXPIRED' }],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      connecting,
      { reason: 'tls', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    ],
    ['EPROTO', connecting, { reason: 'tls', code: 'EPROTO' }],
    [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      sent,
      { reason: 'tls', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
    ],
    ['UND_ERR_DESTROYED', sent, { reason: 'interrupted' }],
    ['UND_ERR_INVALID_ARG', connecting, { reason: 'internal', code: 'UND_ERR_INVALID_ARG' }],
    ['EMFILE', connecting, { reason: 'internal', code: 'EMFILE' }],
  ] as const)('%s', (code, progress, expected) => {
    expect(networkFailureOf(coded(code), progress)).toEqual(expected);
  });

  test("a certificate's code without TLS is nothing that is known", () => {
    expect(networkFailureOf(coded('CERT_HAS_EXPIRED'), { isSent: false, isTls: false }).reason).toBe(
      'internal',
    );
  });

  test('an upgrade that nobody asked for is no HTTP', () => {
    expect(networkFailureOf(coded('UND_ERR_SOCKET', 'bad upgrade'), sent).reason).toBe('protocol_error');
  });

  test("the connector's own errors keep their meaning", () => {
    expect(networkFailureOf(new BlockedAddressError(), connecting)).toEqual({ reason: 'blocked_address' });
    expect(networkFailureOf(new ResolveError('ESERVFAIL'), connecting)).toEqual({
      reason: 'dns',
      code: 'ESERVFAIL',
    });
  });

  test('an error without a code is told by its name, never by its message', () => {
    expect(networkFailureOf(new TypeError('s3cret'), sent)).toEqual({
      reason: 'internal',
      code: 'TypeError',
    });
  });
});
