import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import type { Express, Request, Response } from 'express';
import { refuseOtherMethods } from './mount.ts';
import { noteForLog } from './request-log.ts';

/** Everything comes from this server, as files: no script and no style is inline. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Named after their content: a changed file has another name. */
const keptForever = 'public, max-age=31536000, immutable';

interface PageFile {
  type: string;
  plain: Buffer;
  /** Compressed forms that were made when the page was built. */
  br?: Buffer;
  gzip?: Buffer;
}

const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Postrider</title></head>
<body>
<h1>Postrider</h1>
<p>The dashboard was not built: <code>npm run build</code> does that. The API is described at <a href="/docs">/docs</a>.</p>
</body>
</html>
`;

/**
 * Serves the dashboard's page: at `/`, and at every other address that nothing else has and that a browser opens, since the
 * page itself knows what is where. Its files are read once.
 */
export function serveDashboard(app: Express, folder: string | undefined): void {
  const files = folder === undefined ? new Map<string, PageFile>() : readPage(folder);
  const page = files.get('index.html') ?? { type: '.html', plain: Buffer.from(notBuilt) };

  app.get('/assets/:name', (request, response, next) => {
    const file = files.get(`assets/${request.params.name}`);
    if (file === undefined) return next();
    noteForLog(response, { route: '/assets/{name}' });
    response.set('Cache-Control', keptForever);
    sendFile(request, response, file);
  });

  const sendPage = (request: Request, response: Response) => {
    noteForLog(response, { route: '/' });
    response.set({
      'Content-Security-Policy': pagePolicy,
      'Cache-Control': 'no-cache',
      // With `no-referrer` browsers would say `Origin: null` when the page asks this server for something.
      'Referrer-Policy': 'same-origin',
    });
    sendFile(request, response, page);
  };
  app.get('/', sendPage);
  app.all('/', refuseOtherMethods('/', ['GET']));
  app.get(/^\/(?!v1\/|assets\/|docs\/)/, (request, response, next) => {
    if (!/\btext\/html\b/.test(request.get('Accept') ?? '')) return next();
    sendPage(request, response);
  });
}

function sendFile(request: Request, response: Response, { type, plain, br, gzip }: PageFile): void {
  response.type(type).vary('Accept-Encoding');
  const compressed = { br, gzip };
  const encoding = br && gzip ? request.acceptsEncodings('br', 'gzip') : false;
  if (encoding === 'br' || encoding === 'gzip') {
    response.set('Content-Encoding', encoding).send(compressed[encoding]);
  } else response.send(plain);
}

function readPage(folder: string): Map<string, PageFile> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    names.map((file) => [
      relative(folder, file).split(sep).join('/'),
      {
        type: extname(file),
        plain: readFileSync(file),
        ...(existsSync(`${file}.br`) ? { br: readFileSync(`${file}.br`) } : {}),
        ...(existsSync(`${file}.gz`) ? { gzip: readFileSync(`${file}.gz`) } : {}),
      },
    ]),
  );
}
