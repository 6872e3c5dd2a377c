import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const base = { url: 'https://receiver.test/hook', events: ['*'] };
const register = async (settings: object = {}) => {
  const answer = await api.request('POST', '/v1/webhooks', { body: { ...base, ...settings } });
  expect(answer.status).toBe(201);
  return answer.json;
};
const limitsOf = ({ json }: { json: Record<string, unknown> }) => [json.rate_limit, json.max_in_flight];

describe('a webhook’s limits', () => {
  test.each([
    [0.1, 1],
    [10_000, 1_000],
    [33.3, null],
    [null, 5],
  ])('of %j requests a second and %j under way are taken and shown', async (rate_limit, max_in_flight) => {
    const { id } = await register({ rate_limit, max_in_flight });
    expect(limitsOf(await api.request('GET', `/v1/webhooks/${id}`))).toEqual([rate_limit, max_in_flight]);
  });

  test('are none where nothing is said', async () => {
    expect(limitsOf({ json: await register() })).toEqual([null, null]);
  });

  test('stay with PATCH unless they are named, and end with null, or with PUT', async () => {
    const { id } = await register({ rate_limit: 50, max_in_flight: 5 });
    const change = (method: string, body: object) => api.request(method, `/v1/webhooks/${id}`, { body });
    expect(limitsOf(await change('PATCH', {}))).toEqual([50, 5]);
    expect(limitsOf(await change('PATCH', { rate_limit: null }))).toEqual([null, 5]);
    expect(limitsOf(await change('PATCH', { rate_limit: 2.5 }))).toEqual([2.5, 5]);
    expect(limitsOf(await change('PUT', base))).toEqual([null, null]);
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${id}&action=webhook.changed`);
    expect(json.data[0].details).toEqual({ changed: ['rate_limit', 'max_in_flight'] });
  });

  test.each([
    ['rate_limit', [0, 0.09, 10_001, -1, '50', true, {}]],
    ['max_in_flight', [0, 1_001, 1.5, -1, '5', []]],
  ])('are refused where %s makes no sense, and the field is named', async (field, values) => {
    const { id } = await register();
    for (const value of values) {
      for (const [method, path, body] of [
        ['POST', '/v1/webhooks', base],
        ['PUT', `/v1/webhooks/${id}`, base],
        ['PATCH', `/v1/webhooks/${id}`, {}],
      ] as const) {
        const answer = await api.request(method, path, { body: { ...body, [field]: value } });
        expect(answer.json, `${method} ${JSON.stringify(value)}`).toMatchObject({
          ...{ status: 422, code: 'invalid_body', errors: [{ pointer: `/${field}` }] },
        });
        expect(answer.json.errors).toHaveLength(1);
      }
    }
  });

  test('are in the OpenAPI document', async () => {
    const { json } = await api.request('GET', '/openapi.json', { key: null });
    for (const name of ['NewWebhook', 'WebhookReplacement', 'WebhookChange', 'Webhook']) {
      const { rate_limit, max_in_flight } = json.components.schemas[name].properties;
      expect(JSON.stringify(rate_limit)).toContain('"minimum":0.1,"maximum":10000');
      expect(JSON.stringify(max_in_flight)).toContain('"minimum":1,"maximum":1000');
    }
  });
});
