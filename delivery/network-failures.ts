import { errors } from 'undici';
import type { FailureReason } from '../webhook/failure-reasons.ts';
import { BlockedAddressError, ResolveError } from './checked-connector.ts';
import { BeyondProxyError, EgressProxyError } from './egress-proxy.ts';

/** How far a request had come when its connection failed. */
export interface RequestProgress {
  /** Whether it was handed to a connection. */
  readonly isSent: boolean;
  readonly isTls: boolean;
}

export interface NetworkFailure {
  readonly reason: FailureReason;
  /** The error's code, when it adds to the reason. */
  readonly code?: string | undefined;
}

const REASON_OF_CODE: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  UND_ERR_HEADERS_OVERFLOW: 'protocol_error',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol_error',
  UND_ERR_CLOSED: 'interrupted',
  UND_ERR_DESTROYED: 'interrupted',
};

/** Reasons that say it all without a code. */
const SELF_EXPLANATORY: ReadonlySet<FailureReason> = new Set([
  'connection_refused',
  'connection_reset',
  'connect_timeout',
  'interrupted',
]);

/** What an error of the HTTP agent means. What is not known is `internal`. */
export function networkFailureOf(error: Error, progress: RequestProgress): NetworkFailure {
  if (error instanceof BlockedAddressError) return { reason: 'blocked_address' };
  if (error instanceof EgressProxyError) return { reason: 'proxy', code: error.code };
  if (error instanceof BeyondProxyError) {
    return error.code === undefined
      ? { reason: 'connect_timeout' }
      : { reason: 'unreachable', code: error.code };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (error instanceof ResolveError) return { reason: 'dns', code };
  if (error instanceof errors.HTTPParserError) return { reason: 'protocol_error' };
  const reason = reasonOf(code, error.message, progress);
  return SELF_EXPLANATORY.has(reason) ? { reason } : { reason, code: code ?? error.name };
}

function reasonOf(code: string | undefined, message: string, progress: RequestProgress): FailureReason {
  if (code === undefined) return 'internal';
  if (code === 'ETIMEDOUT') return progress.isSent ? 'timeout' : 'connect_timeout';
  // An answer of 101, or of 100 to a request that did not ask for it.
  if (code === 'UND_ERR_SOCKET' && message.startsWith('bad ')) return 'protocol_error';
  const known = REASON_OF_CODE[code];
  if (known !== undefined) return known;
  if (/^(ERR_TLS|ERR_SSL|EPROTO)/.test(code)) return 'tls';
  // OpenSSL's names for a certificate that is not trusted share no form: CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT…
  return progress.isTls && !progress.isSent && /^[A-Z]+(_[A-Z]+)+$/.test(code) && !code.startsWith('UND_ERR')
    ? 'tls'
    : 'internal';
}
