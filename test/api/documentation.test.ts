import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('/openapi.json', () => {
  test('is a valid OpenAPI 3.1 document, open to anyone', async () => {
    const { json, status } = await api.request('GET', '/openapi.json', { key: null });
    expect(status).toBe(200);
    const result = await new Validator().validate(json);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(json.openapi).toBe('3.1.0');
    expect(json.info.version).toBe('1.2.3');
  });

  test('describes every route, with its parameters and what can go wrong', async () => {
    const { json } = await api.request('GET', '/openapi.json');
    for (const route of apiRoutes) {
      const operation = json.paths[route.path][route.method];
      expect(operation.operationId).toBe(route.name);
      if (route.access === 'public') continue;
      expect(operation.security).toEqual([{ apiKey: [] }, { session: [] }]);
      expect(operation.responses['401'].content).toHaveProperty('application/problem+json');
      const declared = (operation.parameters ?? []).map((one: { name: string }) => one.name);
      for (const [, name] of route.path.matchAll(/\{(\w+)\}/g)) expect(declared).toContain(name);
    }
    const post = json.paths['/v1/events'].post;
    expect(post.parameters).toMatchObject([{ in: 'header', name: 'Idempotency-Key' }]);
    expect(Object.keys(post.responses)).toEqual(
      expect.arrayContaining(['202', '400', '401', '409', '413', '415', '422', '503']),
    );
    const { NewEvent } = json.components.schemas;
    expect(NewEvent).toMatchObject({ required: ['type', 'data'], additionalProperties: false });
  });
});

describe('the pages', () => {
  const only =
    /^(default-src|base-uri|form-action|frame-ancestors) 'none'$|^(script-src|connect-src) 'self'$|^style-src 'self' 'unsafe-inline'$|^img-src 'self' data:$/;

  test('come with a policy that permits no foreign origin and no inline script', async () => {
    for (const path of ['/docs', '/docs/']) {
      const { status, headers, text } = await api.request('GET', path, { key: null });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      for (const directive of (headers.get('content-security-policy') ?? 'none').split('; ')) {
        expect(directive).toMatch(only);
      }
      expect(text).not.toMatch(/<script(?![^>]*src=)|\son\w+=|<style/);
    }
  });

  test('the documentation’s own files are all there', async () => {
    const { text } = await api.request('GET', '/docs', { key: null });
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      const answer = await api.request('GET', file, { key: null });
      expect(answer.status, file).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(
        file.endsWith('.js') ? /^(text|application)\/javascript/ : /^(text\/css|image\/png)/,
      );
    }
    const start = await api.request('GET', '/docs/start.js', { key: null });
    expect(start.text).toContain("url: '/openapi.json'");
  });
});
