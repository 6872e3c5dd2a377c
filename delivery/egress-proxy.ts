import { request as requestOverHttp } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { isIP, isIPv6, type Socket } from 'node:net';

/** The operator's HTTP proxy that every request to a receiver goes through. */
export interface EgressProxy {
  /** `http:` or `https:`, with user name and password where it wants them. */
  readonly url: URL;
  /**
   * It is told the receiver's name and looks that up itself. Then nobody on this side knows which address the
   * request goes to, and that the URL policy's addresses are kept is up to the proxy.
   */
  readonly resolvesNames: boolean;
}

/** How a connection through the proxy went: whether it was the receiver that was not reached, or the proxy itself that failed. */
export type TunnelOutcome = 'connected' | 'unreached' | 'failed';

/** The proxy is away, or will not do it: not the receiver's fault. */
export class EgressProxyError extends Error {
  override readonly name = 'EgressProxyError';
  /** A code of the network or of TLS, or `answered 407`. */
  readonly code: string;

  constructor(code: string) {
    super('the egress proxy did not connect');
    this.code = code;
  }
}

/** The proxy did not reach the receiver, or says so. */
export class BeyondProxyError extends Error {
  override readonly name = 'BeyondProxyError';
  /** `the proxy answered 503`; undefined when it said nothing in time. */
  readonly code: string | undefined;

  constructor(code?: string) {
    super('the egress proxy did not reach the receiver');
    this.code = code;
  }
}

/**
 * So long a connection to the proxy itself may take, in ms: less than most attempts have, which would otherwise be over before
 * it shows that nobody answers there, and would take it for the receiver's fault.
 */
const proxyConnectMs = 3_000;

/** With these a proxy says that it did not get through to where it was to connect (RFC 9110, sections 15.6.3 to 15.6.5). */
const receiversFault = [502, 503, 504];

/**
 * A connection through the proxy to that host (an address, or a name where the proxy resolves names), by CONNECT (RFC
 * 9110, section 9.3.6).
 * @throws EgressProxyError, BeyondProxyError
 */
export function openTunnel(
  { url }: EgressProxy,
  {
    host,
    port,
    signal,
    connectMs = proxyConnectMs,
  }: { host: string; port: number; signal: AbortSignal; connectMs?: number },
): Promise<Socket> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const proxyHost = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const open = url.protocol === 'https:' ? requestOverTls : requestOverHttp;
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const request = open({
      method: 'CONNECT',
      host: proxyHost,
      // Otherwise it would be that of the Host header.
      servername: isIP(proxyHost) === 0 ? proxyHost : '',
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      path: authority,
      headers: { Host: authority, Connection: 'keep-alive', ...authorizationOf(url) },
      agent: false,
    });
    const abort = () => request.destroy(new Error('too late'));
    signal.addEventListener('abort', abort, { once: true });
    const unreached = setTimeout(() => request.destroy(new EgressProxyError('ETIMEDOUT')), connectMs);
    request.once('close', () => {
      clearTimeout(unreached);
      signal.removeEventListener('abort', abort);
    });
    request.once('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        isConnected = true;
        clearTimeout(unreached);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof EgressProxyError) reject(error);
      else if (!signal.aborted) reject(new EgressProxyError(error.code ?? error.name));
      else reject(isConnected ? new BeyondProxyError() : new EgressProxyError('ETIMEDOUT'));
    });
    request.once('connect', ({ statusCode = 0 }, socket, head) => {
      if (statusCode >= 200 && statusCode <= 299) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket as Socket);
        return;
      }
      // What else it says is not read.
      socket.on('error', () => {}).destroy();
      reject(
        receiversFault.includes(statusCode)
          ? new BeyondProxyError(`the proxy answered ${statusCode}`)
          : new EgressProxyError(`answered ${statusCode}`),
      );
    });
    request.end();
  });
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
