import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAuthorities } from '../../webhook/authorities.ts';
import { pem } from '../certificates/read.ts';

const now = new Date();

describe('authorities', () => {
  test('are taken, one or several, without what stands around them', () => {
    expect(readAuthorities(pem('ca'), now)).toEqual({ ok: true, authorities: pem('ca') });
    const both = `# ours\r\n${pem('ca').replaceAll('\n', '\r\n')}\ns3cret\n${pem('middle')}`;
    expect(readAuthorities(both, now)).toEqual({ ok: true, authorities: pem('ca') + pem('middle') });
  });

  test('are taken while one of them holds', () => {
    const authorities = pem('expired') + pem('ca');
    expect(readAuthorities(authorities, now)).toEqual({ ok: true, authorities });
  });

  test.each([
    ['text', 'ca', /^holds no certificate in PEM/],
    ['a key', pem('client-key'), 'holds a private key'],
    ['one with a key', pem('ca') + pem('client-key'), 'holds a private key'],
    ['too many', pem('ca').repeat(21), 'holds more than 20 certificates'],
    ['one that is cut off', pem('ca').slice(0, -30), /cannot be read/],
    ['a second one that is cut off', pem('ca') + pem('middle').slice(0, -30), /cannot be read/],
    ['other bytes', pem('ca').replace(/\n[\w+/=\n]+/, '\nAAAA\n'), /cannot be read/],
    ['one that has ended', pem('expired'), 'expired on 2021-01-01'],
    ['several that have ended', pem('expired').repeat(2), 'holds no certificate that is valid now'],
  ])('are refused: %s', (_, text, problem) => {
    expect(readAuthorities(text, now)).toEqual({
      ok: false,
      problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
    });
  });

  test('of whatever lines there are, are read or refused, and the problem repeats none of them', () => {
    const lines = fc.constantFrom(...pem('ca').split('\n'), ...pem('client-key').split('\n'));
    const texts = fc.array(fc.oneof(lines, fc.string()), { maxLength: 12 });
    fc.assert(
      fc.property(texts, (all) => {
        const read = readAuthorities(all.join('\n'), now);
        if (read.ok) expect(readAuthorities(read.authorities, now)).toEqual(read);
        else for (const line of all) if (line.length > 40) expect(read.problem).not.toContain(line);
      }),
    );
  });
});
