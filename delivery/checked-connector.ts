import { promises as dns, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { BeyondProxyError, type EgressProxy, openTunnel, type TunnelOutcome } from './egress-proxy.ts';

/** Every address of a host name, in the order in which to try them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The host has no address that the policy permits. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';
}

/** The host name did not resolve; `code` is the resolver's own, such as `ENOTFOUND`. */
export class ResolveError extends Error {
  override readonly name = 'ResolveError';
  readonly code: string | undefined;

  constructor(code: string | undefined) {
    super('the host name does not resolve');
    this.code = code;
  }
}

export interface ConnectorOptions {
  readonly isAddressAllowed: (ip: string) => boolean;
  readonly resolve: Resolve;
  /** From the start of the name's resolution to the end of the TLS handshake, in ms. */
  readonly timeoutMs: number;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca?: string | undefined;
  /** What TLS connections are made with, a client's certificate for one, instead of what is usual. */
  readonly secureContext?: SecureContext;
  readonly proxy?: EgressProxy | undefined;
  readonly onTunnel?: ((outcome: TunnelOutcome) => void) | undefined;
}

/** How many of a receiver's addresses a proxy is told, one after the other. */
const mostAddressesByProxy = 4;

/**
 * Connects to addresses that were checked and to no others: a name is resolved once a connection, the addresses that
 * the policy forbids are struck out, and the socket is given the rest. What DNS says later changes nothing. A proxy
 * is told one of these addresses, and TLS and HTTP say the name.
 */
export function createCheckedConnector(options: ConnectorOptions): buildConnector.connector {
  const { isAddressAllowed, resolve, timeoutMs, ca, secureContext, proxy, onTunnel = () => {} } = options;

  const lookup: LookupFunction = (hostname, { all }, callback) => {
    permittedAddresses(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new BlockedAddressError(), '');
        else if (all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };

  /** @throws ResolveError */
  async function permittedAddresses(hostname: string): Promise<LookupAddress[]> {
    const addresses = await resolve(hostname).catch((error: NodeJS.ErrnoException) => {
      throw new ResolveError(error.code);
    });
    return addresses.filter(({ address }) => isAddressAllowed(address));
  }

  const connect = buildConnector({
    allowH2: false,
    timeout: timeoutMs,
    lookup,
    autoSelectFamily: true,
    ...(ca === undefined ? {} : { ca }),
    ...(secureContext === undefined ? {} : { secureContext }),
  });

  async function hostsForProxy(hostname: string, resolvesNames: boolean): Promise<string[]> {
    if (resolvesNames || isIP(hostname) !== 0) return [hostname];
    const addresses = await permittedAddresses(hostname);
    return addresses.slice(0, mostAddressesByProxy).map(({ address }) => address);
  }

  /** Another address is tried when the proxy did not reach one, as long as there is time. */
  async function tunnelTo(
    { hostname, port, protocol }: buildConnector.Options,
    through: EgressProxy,
  ): Promise<Socket> {
    const signal = AbortSignal.timeout(timeoutMs);
    const hosts = await Promise.race([hostsForProxy(hostname, through.resolvesNames), tooLate(signal)]);
    let failure: Error = new BlockedAddressError();
    for (const host of hosts) {
      try {
        const target = { host, port: Number(port || (protocol === 'https:' ? 443 : 80)), signal };
        const tunnel = await openTunnel(through, target);
        onTunnel('connected');
        return tunnel.setNoDelay(true).setKeepAlive(true, 60_000);
      } catch (error) {
        onTunnel(error instanceof BeyondProxyError ? 'unreached' : 'failed');
        if (!(error instanceof BeyondProxyError) || signal.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  return (target, callback) => {
    // A literal address is connected to without a lookup.
    if (isIP(target.hostname) !== 0 && !isAddressAllowed(target.hostname)) {
      process.nextTick(callback, new BlockedAddressError(), null);
    } else if (proxy === undefined) {
      connect(target, callback);
    } else {
      tunnelTo(target, proxy).then(
        (socket) => {
          if (target.protocol === 'https:') connect({ ...target, httpSocket: socket }, callback);
          else callback(null, socket);
        },
        (error: Error) => callback(error, null),
      );
    }
  };
}

function tooLate(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new BeyondProxyError()), { once: true });
  });
}

/**
 * The system's resolver (`/etc/hosts` and all). Whoever asks for a name that is being resolved shares the answer, so
 * that a name whose servers do not answer occupies one of the process's few resolver threads and not all of them.
 */
export function createSystemResolve(): Resolve {
  const underWay = new Map<string, Promise<LookupAddress[]>>();
  return (hostname) => {
    const running =
      underWay.get(hostname) ?? dns.lookup(hostname, { all: true }).finally(() => underWay.delete(hostname));
    underWay.set(hostname, running);
    return running;
  };
}
