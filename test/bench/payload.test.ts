import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventData, payloadBytes, seqIn } from '../../bench/payload.ts';
import { profiles } from '../../webhook/profiles.ts';
import { buildRequest } from '../../webhook/request.ts';

const numbers = fc.integer({ min: 0, max: 999_999_999 });

it('an event has 500 bytes of JSON data, whatever its number and lane', () => {
  fc.assert(
    fc.property(numbers, fc.nat(9_999), (seq, lane) => {
      expect(Buffer.byteLength(eventData(seq, lane))).toBe(payloadBytes);
      expect(payloadBytes).toBe(500);
      expect(JSON.parse(eventData(seq, lane)).from.endsWith(String(lane))).toBe(true);
    }),
  );
});

describe('the number of an event', () => {
  it('is found in the body that arrives', () => {
    fc.assert(
      fc.property(
        numbers,
        fc.constantFrom('inbox', 'inbox-components', 'omnichannel', 'standard'),
        (seq, name) => {
          const { body } = buildRequest({
            profile: profiles[name as 'inbox'],
            event: {
              id: 'evt_01h455vb4pex5vsknk084sn02q',
              type: 'bench.t0',
              channel: null,
              createdAt: new Date(0),
              data: JSON.parse(eventData(seq)),
              idempotencyKey: () => '0'.repeat(64),
            },
            secrets: [],
            auth: { type: 'none' },
            headers: {},
            attemptedAt: new Date(0),
            userAgent: 'test',
          });
          expect(seqIn(Buffer.from(body))).toBe(seq);
        },
      ),
    );
  });

  it('is not found where there is none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(seqIn(Buffer.from(text))).toBeUndefined();
      }),
    );
    for (const broken of [
      '{"bench_seq":',
      '{"bench_seq":12x4567890}',
      '{"bench_seq":0000000001}',
      '{"bench_seq":9999999999}',
    ]) {
      expect(seqIn(Buffer.from(broken)), broken).toBeUndefined();
    }
  });

  it('is refused when it has no place', () => {
    for (const seq of [-1, 1.5, 1_000_000_000, Number.NaN]) expect(() => eventData(seq)).toThrow(RangeError);
  });
});
