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
const orderOf = ({ json }: { json: Record<string, unknown> }) => [json.ordering, json.on_failure];

describe('a webhook’s order', () => {
  test.each([
    ['fifo', 'skip'],
    [{ fifo_by: '/data/conversation_id' }, 'block'],
    [{ fifo_by: '/data/a~1b~0c/0' }, 'skip'],
    [null, 'skip'],
  ])('of %j, with %s, is taken and shown', async (ordering, on_failure) => {
    const { id } = await register({ ordering, on_failure });
    expect(orderOf(await api.request('GET', `/v1/webhooks/${id}`))).toEqual([ordering, on_failure]);
  });

  test('is none where nothing is said, stays with PATCH unless it is named, and ends with null, or with PUT', async () => {
    expect(orderOf({ json: await register() })).toEqual([null, 'skip']);
    const { id } = await register({ ordering: 'fifo', on_failure: 'block' });
    const change = (method: string, body: object) => api.request(method, `/v1/webhooks/${id}`, { body });
    expect(orderOf(await change('PATCH', {}))).toEqual(['fifo', 'block']);
    expect(orderOf(await change('PATCH', { ordering: null }))).toEqual([null, 'block']);
    expect(orderOf(await change('PUT', base))).toEqual([null, 'skip']);
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${id}&action=webhook.changed`);
    expect(json.data.map(({ details }: { details: object }) => details)).toEqual([
      { changed: ['on_failure'] },
      { changed: ['ordering'] },
    ]);
  });

  test.each([
    ['fifo-by', '/ordering'],
    [true, '/ordering'],
    [{}, '/ordering/fifo_by'],
    [{ fifo_by: '' }, '/ordering/fifo_by'],
    [{ fifo_by: 'data/a' }, '/ordering/fifo_by'],
    [{ fifo_by: '/data/~2' }, '/ordering/fifo_by'],
    [{ fifo_by: `/${'a'.repeat(256)}` }, '/ordering/fifo_by'],
    [{ fifo_by: '/data/a', fifo: true }, '/ordering/fifo'],
  ])('is refused where %j is none, the field is named, and nothing is stored', async (ordering, pointer) => {
    const { id } = await register({ ordering: 'fifo' });
    for (const [method, path, body] of [
      ['POST', '/v1/webhooks', base],
      ['PATCH', `/v1/webhooks/${id}`, {}],
    ] as const) {
      const answer = await api.request(method, path, { body: { ...body, ordering } });
      expect(answer.json).toMatchObject({ status: 422, code: 'invalid_body', errors: [{ pointer }] });
      expect(answer.json.errors).toHaveLength(1);
    }
    expect(orderOf(await api.request('GET', `/v1/webhooks/${id}`))).toEqual(['fifo', 'skip']);
    const refused = await api.request('PATCH', `/v1/webhooks/${id}`, { body: { on_failure: 'stop' } });
    expect(refused.json).toMatchObject({ status: 422, errors: [{ pointer: '/on_failure' }] });
    const pulled = { url: null, events: ['*'], ordering: 'fifo', on_failure: 'block' };
    const { json } = await api.request('POST', '/v1/webhooks', { body: pulled });
    expect(json.errors).toMatchObject([{ pointer: '/ordering' }, { pointer: '/on_failure' }]);
  });
});
