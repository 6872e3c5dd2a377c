import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A parsed range of addresses: the first address and how many leading bits count. */
export type Cidr = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** What IPv6 gives out to hosts on the internet (RFC 4291, section 2.4; IANA has allocated no other). */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = ipaddr.IPv6.parseCIDR('2000::/3');

/** Public by number, yet the metadata service of a cloud (Azure's WireServer). The others are in special ranges. */
const PUBLIC_METADATA = ['168.63.129.16'];

/**
 * Reads `ALLOWED_PRIVATE_CIDRS`: ranges (`10.0.0.0/8`, `fd00::/8`) or single addresses, between commas or blanks.
 * Throws a `RangeError` that names the entry which is neither.
 */
export function parseCidrs(text: string): Cidr[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseCidr);
}

function parseCidr(entry: string): Cidr {
  const [address = '', bits, ...rest] = entry.split('/');
  const version = isIP(address);
  const width = version === 4 ? 32 : 128;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
  if (version === 0 || address.includes('%') || rest.length > 0 || !isRange) {
    throw new RangeError(`"${entry}" is neither an IP address nor a range such as 10.0.0.0/8`);
  }
  return [ipaddr.parse(address), bits === undefined ? width : Number(bits)];
}

/**
 * Whether a webhook may be sent to the address. Public unicast addresses may; everything else (loopback, private,
 * link-local, shared, multicast, reserved, metadata services, and IPv6 forms that carry an IPv4 address:
 * mapped, compatible, NAT64, 6to4, Teredo) only when `allowed` lists it. A form that carries an IPv4 address
 * also needs that one to be permitted. Text that is no IP address is not.
 */
export function isAddressAllowed(ip: string, allowed: readonly Cidr[]): boolean {
  if (isIP(ip) === 0) return false;
  const address = ipaddr.parse(ip);
  if (isPublic(address)) return true;
  if (!isListed(address, allowed)) return false;
  const carried = address.kind() === 'ipv6' ? carriedIPv4(address as ipaddr.IPv6) : null;
  return carried === null || isPublic(carried) || isListed(carried, allowed);
}

/** Whether the operator lists the address: it is then reached over plain http as well. */
export function isListedAddress(ip: string, allowed: readonly Cidr[]): boolean {
  return isIP(ip) !== 0 && isListed(ipaddr.parse(ip), allowed);
}

/** In words, what kind of address it is that may not be sent to: "a loopback address". */
export function describeAddress(ip: string): string {
  const range = isIPv4(ip) && PUBLIC_METADATA.includes(ip) ? 'metadata' : ipaddr.parse(ip).range();
  return RANGE_WORDS[range] ?? 'a reserved address';
}

const RANGE_WORDS: Readonly<Record<string, string>> = {
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a private address',
  carrierGradeNat: 'an address shared behind a carrier',
  linkLocal: 'a link-local address',
  multicast: 'a multicast address',
  broadcast: 'a broadcast address',
  unspecified: 'an unspecified address',
  metadata: "a cloud's metadata service",
  ipv4Mapped: 'an IPv4 address in IPv6 form',
  rfc6145: 'an IPv4 address in IPv6 form',
  rfc6052: 'an IPv4 address in IPv6 form',
  '6to4': 'an IPv4 address in IPv6 form',
  teredo: 'an IPv4 address in IPv6 form',
};

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv6'
    ? address.match(GLOBAL_UNICAST)
    : !PUBLIC_METADATA.includes(address.toString());
}

function isListed(address: ipaddr.IPv4 | ipaddr.IPv6, allowed: readonly Cidr[]): boolean {
  return allowed.some(([first, bits]) => first.kind() === address.kind() && address.match(first, bits));
}

/** The IPv4 address that packets to this IPv6 address end up at, where the form says so. */
function carriedIPv4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const bytes = address.toByteArray();
  const at = (index: number, mask = 0) =>
    new ipaddr.IPv4(bytes.slice(index, index + 4).map((byte) => byte ^ mask));
  switch (address.range()) {
    case 'ipv4Mapped':
    case 'rfc6145':
    case 'rfc6052':
      return at(12);
    case '6to4':
      return at(2);
    case 'teredo':
      // RFC 4380, section 4: the client's address, every bit turned over.
      return at(12, 0xff);
    default:
      return null;
  }
}
