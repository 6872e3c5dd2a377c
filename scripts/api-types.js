import { writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.js';

// npm run sdk:types: makes the types of the TypeScript client anew, from the API's own description.

/** Below sdk/, and the same however it is made: a test holds it to what the running API describes. */
export const apiTypesFile = join('sdk', 'client', 'src', 'api.ts');

const head = '/** Made by `npm run sdk:types` out of /openapi.json: not to be changed by hand. */\n\n';

/**
 * The TypeScript types of an OpenAPI document.
 * @param {import('openapi-typescript').OpenAPI3} document
 * @returns {Promise<string>}
 */
export async function apiTypes(document) {
  hookTypeScript6In();
  const { default: openapiTS, astToString } = await import('openapi-typescript');
  return head + astToString(await openapiTS(structuredClone(document), { defaultNonNullable: false }));
}

let isHooked = false;

/** openapi-typescript builds its output by the compiler's API, which TypeScript 7 does not have. */
function hookTypeScript6In() {
  if (isHooked) return;
  isHooked = true;
  const hook = `export const resolve = (specifier, context, next) =>
    next(specifier === 'typescript' && context.parentURL?.includes('/openapi-typescript/') ? '@typescript/typescript6' : specifier, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

if (import.meta.url === pathToFileURL(resolve(process.argv[1] ?? '')).href) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  await build(root);
  const [{ apiRoutes }, { openApiDocument }, { version }] = await Promise.all(
    ['api/app.js', 'api/openapi.js', 'version.js'].map(
      (file) => import(new URL(`../dist/${file}`, import.meta.url).href),
    ),
  );
  const document = JSON.parse(JSON.stringify(openApiDocument(apiRoutes, version)));
  writeFileSync(join(root, apiTypesFile), await apiTypes(document));
}
