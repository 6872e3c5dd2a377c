import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Express } from 'express';
import { refuseOtherMethods } from './mount.ts';
import { noteForLog } from './request-log.ts';

/** Everything comes from this server. Swagger UI sets styles on its elements, so those may be inline; scripts may not. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Postrider API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const startScript = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** Serves the API's documentation, for people. */
export function serveDocumentation(app: Express): void {
  const swaggerFolder = join(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'), '..');

  const pages: Record<string, { type: string; read: () => string | Buffer }> = {
    '/docs': { type: 'html', read: () => docsPage },
    '/docs/start.js': { type: 'js', read: () => startScript },
  };
  for (const name of swaggerFiles) {
    pages[`/docs/${name}`] = { type: name, read: () => readFileSync(join(swaggerFolder, name)) };
  }
  for (const [path, { type, read }] of Object.entries(pages)) {
    app.get(path, (_request, response) => {
      noteForLog(response, { route: path });
      response.set('Content-Security-Policy', pagePolicy).type(type).send(read());
    });
    app.all(path, refuseOtherMethods(path, ['GET']));
  }
}
