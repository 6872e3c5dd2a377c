import { describe, expect, test } from 'vitest';
import { headerLimits, headerProblems } from '../../webhook/header-policy.ts';

const codes = (headers: Record<string, string>) => headerProblems(headers).map(({ code }) => code);

describe("a webhook's own headers", () => {
  test('are taken when they are plain', () => {
    expect(
      headerProblems({ 'X-Tenant': 'blue', Cookie: 'a=b; c="d"', 'x-1': 'two  words\tand a tab' }),
    ).toEqual([]);
  });

  test.each([
    ...[
      'Host',
      'CONNECTION',
      'keep-alive',
      'Transfer-Encoding',
      'te',
      'trailer',
      'upgrade',
      'proxy-connection',
    ],
    ...['content-length', 'Content-Type', 'content-encoding', 'accept-encoding', 'expect', 'User-Agent'],
    ...['Authorization', 'webhook-id', 'Webhook-Signature', 'webhook-anything', 'x-inbox-signature'],
  ])('%s is reserved', (name) => {
    expect(codes({ [name]: 'x' })).toEqual(['header_reserved']);
  });

  test.each(['', 'a b', 'a:', 'ä', 'a\r\nb', 'x'.repeat(129)])('%j is no name', (name) => {
    expect(codes({ [name]: 'x' })).toEqual(['header_name']);
  });

  test.each(['', ' x', 'x ', 'a\r\nInjected: b', 'a\0b', 'ä', 'x'.repeat(2_049)])(
    '%j is no value',
    (value) => {
      const [problem] = headerProblems({ 'X-A': value });
      expect(problem).toMatchObject({ code: 'header_value', name: 'X-A' });
    },
  );

  test('the same name in two spellings is refused', () => {
    expect(codes({ 'X-A': '1', 'x-a': '2' })).toEqual(['header_name']);
  });

  test('too many are refused', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'v']));
    expect(codes(many(headerLimits.maxHeaders))).toEqual([]);
    expect(codes(many(headerLimits.maxHeaders + 1))).toEqual(['header_count']);
  });

  test('a problem does not repeat the value', () => {
    expect(JSON.stringify(headerProblems({ 'X-A': 'secret\0' }))).not.toContain('secret');
  });
});
