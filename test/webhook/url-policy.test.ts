import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCidrs } from '../../webhook/address-policy.ts';
import { blockedPorts, checkUrl, hostOf, MAX_URL_CHARS } from '../../webhook/url-policy.ts';

function codeOf(text: string, { httpsOnly = false, cidrs = '' } = {}): string {
  const check = checkUrl(text, { httpsOnly, allowedPrivateCidrs: parseCidrs(cidrs) });
  return check.ok ? 'ok' : check.problem.code;
}

describe('URLs that are taken', () => {
  test.each([
    'https://yourapp.com/webhooks/inbox',
    'http://example.com',
    'HTTPS://EXAMPLE.com:8443/a?b=c#d',
    'https://abc123.ngrok.io/webhooks/inbox',
    'https://bücher.example/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]:8080/',
    'https://does-not-resolve.invalid/',
    'https://localhost.example.com/',
    'https://notlocalhost/',
    `https://example.com/${'a'.repeat(MAX_URL_CHARS - 'https://example.com/'.length)}`,
  ])('%s', (text) => {
    const check = checkUrl(text, { httpsOnly: false, allowedPrivateCidrs: [] });
    expect(check.ok && check.url.href).toBe(new URL(text).href);
  });
});

describe('URLs that are refused', () => {
  test.each([
    ['', 'url_invalid'],
    ['example.com', 'url_invalid'],
    ['https://', 'url_invalid'],
    ['https://a b/', 'url_invalid'],
    [' https://example.com', 'url_invalid'],
    ['https://exa\tmple.com', 'url_invalid'],
    ['https://example.com/\n', 'url_invalid'],
    ['https://example.com:65536/', 'url_invalid'],
    ['https://1.2.3.4.5/', 'url_invalid'],
    ['ftp://example.com/', 'url_scheme'],
    ['file:///etc/passwd', 'url_scheme'],
    ['javascript:alert(1)', 'url_scheme'],
    ['https:example.com', 'url_scheme'],
    ['https:\\\\example.com', 'url_scheme'],
    [`https://example.com/${'a'.repeat(MAX_URL_CHARS)}`, 'url_too_long'],
    ['https://user@example.com/', 'url_credentials'],
    ['https://user:pass@example.com/', 'url_credentials'],
    ['https://:pass@example.com/', 'url_credentials'],
    ['https://example.com:22/', 'url_port'],
    ['https://example.com:5432/', 'url_port'],
    ['https://example.com:0/', 'url_port'],
  ])('%j: %s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test.each([...blockedPorts])('port %d', (port) => {
    expect(codeOf(`http://example.com:${port}/`)).toBe('url_port');
  });

  test('the ports of the web are not among the blocked ones', () => {
    for (const port of [80, 443, 3000, 5000, 8000, 8080, 8443, 65_535]) {
      expect(codeOf(`http://example.com:${port}/`)).toBe('ok');
    }
  });

  test.each([
    ['dotted', 'http://127.0.0.1/'],
    ['short', 'http://127.1/'],
    ['an integer', 'http://2130706433/'],
    ['hexadecimal', 'http://0x7f000001/'],
    ['hexadecimal parts', 'http://0x7f.0.0x0.1/'],
    ['octal', 'http://0177.0.0.1/'],
    ['an octal integer', 'http://017700000001/'],
    ["with the root's full stop", 'http://127.0.0.1./'],
    ['percent-encoded', 'http://%31%32%37.0.0.1/'],
    ['full-width', 'http://１２７．０．０．１/'],
    ['circled', 'http://①②⑦.⓪.⓪.①/'],
    ['with ideographic full stops', 'http://127。0。0。1/'],
    ['IPv6', 'http://[::1]/'],
    ['IPv6 in full', 'http://[0:0:0:0:0:0:0:1]/'],
    ['IPv4-mapped', 'http://[::ffff:127.0.0.1]/'],
    ['IPv4-mapped in hexadecimal', 'http://[::ffff:7f00:1]/'],
    ['IPv4-compatible', 'http://[::127.0.0.1]/'],
    ['NAT64', 'http://[64:ff9b::127.0.0.1]/'],
    ['the name', 'http://localhost/'],
    ['the name in capitals', 'http://LocalHost:8080/'],
    ["the name with the root's full stop", 'http://localhost./'],
    ['a name below it', 'http://api.localhost/'],
    ['every interface', 'http://0.0.0.0/'],
    ['the short form of it', 'http://0/'],
  ])('loopback, %s', (_, text) => {
    expect(codeOf(text)).toBe('url_address');
  });

  test.each([
    'http://10.0.0.1/',
    'http://192.168.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/',
    'http://[fd00:ec2::254]/',
    'http://100.64.0.1/',
    'http://224.0.0.1/',
  ])('%s', (text) => {
    expect(codeOf(text)).toBe('url_address');
  });

  test('any spelling of any private address', () => {
    const spell = [
      (n: number) => String(n),
      (n: number) => `0x${n.toString(16)}`,
      (n: number) => `0${n.toString(8)}`,
      (n: number) => `${n >>> 24}.${n & 0xffffff}`,
      (n: number) => `${n >>> 24}.${(n >>> 16) & 0xff}.${n & 0xffff}`,
      (n: number) => `0x${(n >>> 24).toString(16)}.0${((n >>> 16) & 0xff).toString(8)}.${n & 0xffff}`,
      (n: number) => `[::ffff:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}]`,
    ];
    const address = fc.oneof(
      fc.integer({ min: 0x7f000000, max: 0x7fffffff }),
      fc.integer({ min: 0x0a000000, max: 0x0affffff }),
      fc.integer({ min: 0xac100000, max: 0xac1fffff }),
      fc.integer({ min: 0xc0a80000, max: 0xc0a8ffff }),
      fc.integer({ min: 0xa9fe0000, max: 0xa9feffff }),
    );
    fc.assert(
      fc.property(address, fc.constantFrom(...spell), (number, write) => {
        expect(codeOf(`http://${write(number)}/`)).toBe('url_address');
      }),
    );
  });

  test('says why in the words of seed 004, and repeats nothing that may be secret', () => {
    const check = checkUrl('http://127.0.0.1/hooks/s3cret?token=s3cret', {
      httpsOnly: false,
      allowedPrivateCidrs: [],
    });
    expect(check).toEqual({
      ok: false,
      problem: {
        code: 'url_address',
        detail:
          'the URL must be publicly available (localhost URLs cannot receive events): the host is a loopback address',
      },
    });
  });

  test('whatever is typed, the answer is a check and never an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `http://${text}`),
        ),
        (text) => {
          expect(typeof codeOf(text)).toBe('string');
        },
      ),
    );
  });
});

describe('with addresses that the operator lists', () => {
  const cidrs = '127.0.0.0/8';

  test.each(['http://127.0.0.1:3000/', 'http://2130706433/', 'http://localhost:3000/', 'https://127.0.0.1/'])(
    '%s is taken',
    (text) => {
      expect(codeOf(text, { cidrs })).toBe('ok');
    },
  );

  test.each(['http://10.0.0.1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/'])('%s is not', (text) => {
    expect(codeOf(text, { cidrs })).toBe('url_address');
  });
});

describe('where only https is permitted', () => {
  test('plain http is refused with the reason', () => {
    expect(codeOf('http://example.com/', { httpsOnly: true })).toBe('url_https_required');
    expect(codeOf('http://8.8.8.8/', { httpsOnly: true })).toBe('url_https_required');
    expect(codeOf('https://example.com/', { httpsOnly: true })).toBe('ok');
  });

  test('plain http is taken for listed addresses and localhost, not for names that may be anything', () => {
    const listed = { httpsOnly: true, cidrs: '127.0.0.0/8, 10.0.0.0/8' };
    expect(codeOf('http://127.0.0.1:3000/', listed)).toBe('ok');
    expect(codeOf('http://localhost:3000/', listed)).toBe('ok');
    expect(codeOf('http://10.1.2.3/', listed)).toBe('ok');
    expect(codeOf('http://192.168.0.1/', listed)).toBe('url_address');
    expect(codeOf('http://receiver.internal/', listed)).toBe('url_https_required');
  });
});

test.each([
  ['https://Example.com./x', 'example.com'],
  ['https://[::1]:8443/', '::1'],
  ['https://127.1/', '127.0.0.1'],
])('the host of %s is %s', (text, host) => {
  expect(hostOf(new URL(text))).toBe(host);
});
