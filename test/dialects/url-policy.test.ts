import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';

/** What the resolver of the tests answers, by host name; the last answer stands. */
const answers = new Map<string, string[]>();
const asked: string[] = [];
let postrider: TestPostrider;
beforeAll(async () => {
  postrider = await startTestPostrider(
    {},
    {
      async resolve(hostname) {
        asked.push(hostname);
        const addresses = answers.get(hostname) ?? [];
        const address = addresses.length > 1 ? addresses.shift() : addresses[0];
        if (address === undefined) throw Object.assign(new Error('unknown host'), { code: 'ENOTFOUND' });
        return [{ address, family: address.includes(':') ? 6 : 4 }];
      },
    },
  );
});
afterAll(() => postrider.close());

describe('at registration', () => {
  const refused = [
    ...['ftp://example.com/', 'file:///etc/passwd', 'javascript:alert(1)', 'example.com', ''],
    ...['https://user:password@example.com/', 'https://example.com:22/', 'https://example.com:0/'],
    ...['https://example.com:65536/', 'https://example.com:6379/', 'http://a b/', 'https://exa\tmple.com'],
    ...['http://10.0.0.1/', 'http://172.16.0.1/', 'http://192.168.0.1/', 'http://169.254.169.254/latest/'],
    ...[
      'http://100.64.0.1/',
      'http://0.0.0.0/',
      'http://224.0.0.1/',
      'http://240.0.0.1/',
      'http://255.255.255.255/',
    ],
    ...['http://168.63.129.16/', 'http://192.0.2.1/', 'http://198.18.0.1/'],
    // One address each, spelled as integer, octal, hex, short, with full-width digits and escaped.
    ...['http://167772161/', 'http://012.0.0.1/', 'http://0xa.0.0.1/', 'http://0x0a000001/', 'http://10.1/'],
    ...['http://１０.0.0.1/', 'http://%31%30.0.0.1/', 'http://10。0。0。1/', 'http://10.0.0.1./'],
    ...['http://[::1]/', 'http://[::]/', 'http://[fe80::1]/', 'http://[fc00::1]/', 'http://[ff02::1]/'],
    ...[
      'http://[::ffff:10.0.0.1]/',
      'http://[::ffff:a00:1]/',
      'http://[::10.0.0.1]/',
      'http://[64:ff9b::a00:1]/',
    ],
    ...[
      'http://[2002:a00:1::]/',
      'http://[2001:0:0:0:0:0:f5ff:fffe]/',
      'http://[fd00:ec2::254]/',
      'http://[2001:db8::1]/',
    ],
  ];

  test.each(refused)('%j is refused with a pointer to it', async (url) => {
    const answer = await postrider.request('POST', '/v1/webhooks', { url, events: ['*'] });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/url' }] });
    expect(JSON.stringify(answer.json)).not.toContain('password@');
  });

  test('loopback and localhost are refused where the operator does not list them, in the words of seed 004', async () => {
    const strict = await startTestPostrider({ ALLOWED_PRIVATE_CIDRS: '' });
    for (const host of [
      'localhost',
      'sub.localhost',
      '127.0.0.1',
      '2130706433',
      '0177.1',
      '[::ffff:7f00:1]',
    ]) {
      const body = { url: `http://${host}:3000/hook` };
      for (const path of ['/v1/account/webhook', '/v1/channels/c/webhook']) {
        const answer = await strict.request('PUT', path, body);
        expect(answer.json, host).toMatchObject({
          status: 422,
          errors: [
            { pointer: '/url', detail: expect.stringContaining('localhost URLs cannot receive events') },
          ],
        });
      }
    }
    await strict.close();
  });
});

describe('at an attempt', () => {
  async function attemptTo(host: string, port: string) {
    const type = `resolved.${host.replaceAll('.', '-')}`;
    await postrider.createWebhook({
      ...{ url: `http://${host}:${port}/hook`, events: [type] },
      ...{ retry_schedule: { delays_ms: [0] }, timeout_ms: 3_000 },
    });
    const { id } = await postrider.postEvent({ type, data: {} });
    return async (status: string) => {
      const delivery = await postrider.deliveryIs(id, status);
      return (await postrider.request('GET', `/v1/deliveries/${delivery.id}`)).json.attempts[0];
    };
  }

  test.each([
    ['private-v4.test', '10.0.0.1'],
    ['metadata.test', '169.254.169.254'],
    ['loopback-v6.test', '::1'],
    ['mapped.test', '::ffff:10.0.0.1'],
  ])('a host that resolves to a forbidden address is not connected to: %s is %s', async (host, address) => {
    answers.set(host, [address]);
    const attempt = await (await attemptTo(host, '8080'))('failed');
    expect(attempt).toMatchObject({
      succeeded: false,
      reason: 'blocked_address',
      detail: 'the host has no address that webhooks may be sent to',
    });
    expect(JSON.stringify(attempt)).not.toContain(address);
  });

  test('a connection goes to the address that was checked, whatever the name resolves to afterwards', async () => {
    const receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    answers.set('rebinding.test', ['127.0.0.1', '10.0.0.1']);
    await (await attemptTo('rebinding.test', port))('succeeded');
    expect(asked.filter((name) => name === 'rebinding.test')).toHaveLength(1);
    expect(receiver.received).toHaveLength(1);
    await receiver.close();
  });

  test('a host that does not resolve is a failed attempt that says so', async () => {
    const attempt = await (await attemptTo('nowhere.test', '8080'))('failed');
    expect(attempt).toMatchObject({ reason: 'dns', detail: expect.stringContaining('ENOTFOUND') });
  });
});
