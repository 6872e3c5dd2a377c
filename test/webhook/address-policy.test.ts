import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeAddress,
  isAddressAllowed,
  isListedAddress,
  parseCidrs,
} from '../../webhook/address-policy.ts';

const allowed = (ip: string, cidrs = '') => isAddressAllowed(ip, parseCidrs(cidrs));

const publicAddresses = [
  '8.8.8.8',
  '1.1.1.1',
  '93.184.216.34',
  '172.15.255.255',
  '172.32.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:81b::200e',
];

const forbiddenAddresses = [
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['loopback', '::1'],
  ['unspecified', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['unspecified', '::'],
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.1.1'],
  ['unique local', 'fc00::1'],
  ['unique local', 'fdff::1'],
  ['site-local', 'fec0::1'],
  ['link-local', '169.254.0.1'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['shared (CGNAT)', '100.64.0.1'],
  ['shared (CGNAT)', '100.127.255.255'],
  ['multicast', '224.0.0.1'],
  ['multicast', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['IETF protocols', '192.0.0.1'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.1'],
  ['documentation', '203.0.113.1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['benchmarking', '198.18.0.1'],
  ['6to4 relay', '192.88.99.1'],
  ['metadata (AWS, GCP, Azure)', '169.254.169.254'],
  ['metadata (AWS, IPv6)', 'fd00:ec2::254'],
  ['metadata (Alibaba)', '100.100.100.200'],
  ['metadata (Oracle)', '192.0.0.192'],
  ['metadata (Azure WireServer)', '168.63.129.16'],
  ['mapped loopback', '::ffff:127.0.0.1'],
  ['mapped loopback', '::ffff:7f00:1'],
  ['mapped metadata', '::ffff:169.254.169.254'],
  ['mapped public', '::ffff:8.8.8.8'],
  ['compatible loopback', '::127.0.0.1'],
  ['translated', '::ffff:0:127.0.0.1'],
  ['NAT64', '64:ff9b::7f00:1'],
  ['NAT64 of a public one', '64:ff9b::808:808'],
  ['NAT64, local', '64:ff9b:1::a00:1'],
  ['6to4', '2002:7f00:1::1'],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  ['discard', '100::1'],
  ['not allocated', '4000::1'],
  ['not allocated', 'e000::1'],
  ['ORCHID', '2001:20::1'],
] as const;

describe('without a list', () => {
  test.each(publicAddresses)('%s may be sent to', (ip) => expect(allowed(ip)).toBe(true));

  test.each(forbiddenAddresses)('%s: %s may not', (_, ip) => expect(allowed(ip)).toBe(false));

  test.each(['', 'localhost', '127.1', '0x7f000001', '8.8.8.8 ', '8.8.8.8/32', '[::1]'])(
    '%j is no address',
    (text) => {
      expect(allowed(text)).toBe(false);
    },
  );

  test('no address in a private range may, nor its mapped, NAT64 or 6to4 form', () => {
    const byte = fc.nat({ max: 255 });
    const address = fc.oneof(
      fc.tuple(fc.constantFrom(10, 127, 0), byte, byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
      fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
    );
    fc.assert(
      fc.property(address, ([a, b, c, d]) => {
        const dotted = `${a}.${b}.${c}.${d}`;
        const high = (a * 256 + b).toString(16);
        const low = (c * 256 + d).toString(16);
        for (const ip of [dotted, `::ffff:${dotted}`, `64:ff9b::${dotted}`, `2002:${high}:${low}::1`]) {
          expect(allowed(ip)).toBe(false);
        }
      }),
    );
  });
});

describe('with a list', () => {
  test('what it names may be sent to, and nothing beside', () => {
    expect(allowed('127.0.0.1', '127.0.0.0/8')).toBe(true);
    expect(allowed('::1', '127.0.0.0/8')).toBe(false);
    expect(allowed('::1', '127.0.0.0/8, ::1')).toBe(true);
    expect(allowed('10.1.2.3', '10.1.0.0/16')).toBe(true);
    expect(allowed('10.2.2.3', '10.1.0.0/16')).toBe(false);
    expect(allowed('168.63.129.16', '168.63.129.16')).toBe(true);
    expect(allowed('8.8.8.8', '10.0.0.0/8')).toBe(true);
  });

  test('a form that carries an IPv4 address needs both to be permitted', () => {
    expect(allowed('::ffff:127.0.0.1', '127.0.0.0/8')).toBe(false);
    expect(allowed('64:ff9b::808:808', '64:ff9b::/96')).toBe(true);
    expect(allowed('64:ff9b::7f00:1', '64:ff9b::/96')).toBe(false);
    expect(allowed('64:ff9b::7f00:1', '64:ff9b::/96 127.0.0.1')).toBe(true);
    expect(allowed('2002:a00:1::1', '2002::/16')).toBe(false);
    // Teredo turns the bits of the client's address over: this one is 192.0.2.45, that one 8.8.8.8.
    expect(allowed('2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001::/32')).toBe(false);
    expect(allowed('2001:0:4136:e378:8000:63bf:f7f7:f7f7', '2001::/32')).toBe(true);
  });

  test('a listed address is told from a public one', () => {
    expect(isListedAddress('127.0.0.1', parseCidrs('127.0.0.0/8'))).toBe(true);
    expect(isListedAddress('8.8.8.8', parseCidrs('127.0.0.0/8'))).toBe(false);
    expect(isListedAddress('localhost', parseCidrs('127.0.0.0/8'))).toBe(false);
  });
});

describe('parseCidrs', () => {
  test('reads ranges and addresses between commas and blanks', () => {
    const cidrs = parseCidrs(' 127.0.0.0/8,::1/128 10.0.0.7,\n fd00::/8 ');
    expect(cidrs.map(([address, bits]) => `${address.toString()}/${bits}`)).toEqual([
      '127.0.0.0/8',
      '::1/128',
      '10.0.0.7/32',
      'fd00::/8',
    ]);
    expect(parseCidrs('')).toEqual([]);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0/8',
    '::/129',
    'localhost',
    '10.0.0.0/8/8',
    '0x7f000001',
    '10.0.0.0/',
  ])('refuses %s and names it', (entry) => {
    expect(() => parseCidrs(`127.0.0.1, ${entry}`)).toThrow(RangeError);
    expect(() => parseCidrs(`127.0.0.1, ${entry}`)).toThrow(entry);
  });
});

test.each([
  ['127.0.0.1', 'a loopback address'],
  ['fd00::1', 'a private address'],
  ['168.63.129.16', "a cloud's metadata service"],
  ['::ffff:127.0.0.1', 'an IPv4 address in IPv6 form'],
  ['198.18.0.1', 'a reserved address'],
])('%s is described as %s', (ip, words) => {
  expect(describeAddress(ip)).toBe(words);
});
