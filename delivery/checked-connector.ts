import { promises as dns, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';

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
}

/**
 * Connects to addresses that were checked and to no others: a name is resolved once a connection, the addresses that
 * the policy forbids are struck out, and the socket is given the rest. What DNS says later changes nothing.
 */
export function createCheckedConnector(options: ConnectorOptions): buildConnector.connector {
  const { isAddressAllowed, resolve, timeoutMs, ca } = options;

  const lookup: LookupFunction = (hostname, { all }, callback) => {
    permittedAddresses(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new BlockedAddressError(), '');
        else if (all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(new ResolveError(error.code), ''),
    );
  };

  async function permittedAddresses(hostname: string): Promise<LookupAddress[]> {
    const addresses = await resolve(hostname);
    return addresses.filter(({ address }) => isAddressAllowed(address));
  }

  const connect = buildConnector({
    allowH2: false,
    timeout: timeoutMs,
    lookup,
    autoSelectFamily: true,
    ...(ca === undefined ? {} : { ca }),
  });

  return (target, callback) => {
    // A literal address is connected to without a lookup.
    if (isIP(target.hostname) !== 0 && !isAddressAllowed(target.hostname)) {
      process.nextTick(callback, new BlockedAddressError(), null);
    } else {
      connect(target, callback);
    }
  };
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
