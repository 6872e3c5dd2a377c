import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

/** Names that routes know, so that many bodies get past the first check. */
const names = [
  ...['type', 'data', 'channel', 'id', 'url', 'events', 'description', 'channels', 'profile', 'secret'],
  ...['retry_schedule', 'timeout_ms', 'headers', 'auth', 'webhook_id', 'event_type', 'name', '__proto__'],
  ...['example', 'schema', '$ref', 'pattern', 'properties', 'overlap_seconds'],
  ...['health', 'recovery_rate', 'count', 'failures', 'min_failing_ms', 'reenable', 'held', 'reason'],
  ...['rate_limit', 'max_in_flight', 'lapses_after_s', 'cursor', 'results', 'deliver_at', 'expires_at'],
  ...['filter', 'transformation', 'event', 'event_id'],
  ...['externalCustomerId', 'createdDate', 'customData', 'image', 'status', 'inbox_message_limit'],
];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    '\u0000',
    '\ud800',
    'a',
    'https://receiver.test/',
    '*',
    'none',
    'basic',
    'wh_1',
    '•••',
    '{}',
  ),
);

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    fc.constantFrom(null, true, 0, -1, 1e308, 2 ** 53, 0.1),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), text), tie('json'), { maxKeys: 6 }),
  ),
}));

/** Almost right: one field or several of a body that is taken are replaced. */
const nearly = fc
  .tuple(
    fc.constantFrom<Record<string, unknown>>(
      { type: 'a', data: {}, id: 'i' },
      { url: 'https://receiver.test/', events: ['*'], headers: { a: 'b' }, auth: { type: 'none' } },
      { webhook_id: 'wh_1', event_type: 'a' },
      { name: 'n' },
      { description: 'd', schema: { properties: { a: {} }, pattern: 'a' } },
      { secret: 'whsec_', overlap_seconds: 1 },
      {
        health: { count: 'attempts', failures: 1, reenable: { after_ms: 1_000, backoff: 1, max_ms: 1_000 } },
      },
      { held: 'deliver', reason: 'r' },
    ),
    fc.dictionary(fc.constantFrom(...names), json, { maxKeys: 2 }),
  )
  .map(([body, changes]) => ({ ...body, ...changes }));

describe('random input', () => {
  test('as a JSON body never gets a 5xx, on any route', async () => {
    const routes = apiRoutes.filter((route) => route.body !== undefined);
    expect(routes.length).toBeGreaterThanOrEqual(7);
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['x'] },
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), fc.oneof(json, nearly), async (route, body) => {
        const path = route.path.replace(/\{\w+\}/, webhook.json.id);
        const answer = await api.request(route.method.toUpperCase(), path, { body });
        expect(answer.status, answer.text).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.json.code).toEqual(expect.any(String));
      }),
      { numRuns: 600 },
    );
  });

  test('as query, path or header never gets a 5xx', async () => {
    const printable = fc
      .string({ unit: 'grapheme-ascii', maxLength: 40 })
      .filter((value) => value.trim() !== '');
    const lists = apiRoutes.filter(({ method, name }) => method === 'get' && name !== 'watchChanges');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...lists),
        fc.constantFrom(
          ...['limit', 'cursor', 'type', 'status', 'webhook_id', 'event_id', 'channel', 'x'],
          ...['action', 'subject_id', 'actor_id'],
        ),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        printable,
        async (route, name, value, header) => {
          const path = route.path.replace(/\{\w+\}/, encodeURIComponent(value) || 'x');
          const answer = await api.request('GET', `${path}?${name}=${encodeURIComponent(value)}`, {
            headers: { 'X-Request-Id': header, 'Idempotency-Key': header },
          });
          expect(answer.status, answer.text).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('as bytes in place of JSON never gets a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (raw) => {
        const answer = await api.request('POST', '/v1/events', { raw: Uint8Array.from(raw) });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });

  test('that is an event is read back as it was posted', async () => {
    const data = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(data, async (value) => {
        const raw = JSON.stringify({ type: 'a', data: value });
        const posted = await api.request('POST', '/v1/events', { raw });
        expect(posted.status, posted.text).toBe(202);
        const read = await api.request('GET', `/v1/events/${posted.json.id}`);
        expect(read.json.data).toEqual(JSON.parse(raw).data);
      }),
      { numRuns: 100 },
    );
  });
});
