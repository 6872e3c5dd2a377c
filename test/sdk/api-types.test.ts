import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiTypes, apiTypesFile } from '../../scripts/api-types.js';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

test('the client’s types are those that the running API describes', async () => {
  const { json } = await api.request('GET', '/openapi.json', { key: null });
  const isTheSame = (await apiTypes(json)) === readFileSync(apiTypesFile, 'utf8');
  expect(isTheSame, 'npm run sdk:types makes them anew').toBe(true);
});
