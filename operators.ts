import type { RequestListener, ServerResponse } from 'node:http';
import type { Readiness } from './readiness.ts';
import { expositionType } from './telemetry/exposition.ts';

/** What is served at METRICS_PORT, without a key: for a probe and a scraper, in workers that have no API too. */
export function serveOperators({
  readMetrics,
  isReady,
}: {
  readMetrics: () => Promise<string>;
  isReady: () => Promise<Readiness>;
}): RequestListener {
  const answers = new Map<string, (response: ServerResponse) => Promise<void>>([
    ['/healthz', async (response) => answer(response, 200, '{"status":"ok"}')],
    [
      '/readyz',
      async (response) => {
        const readiness = await isReady();
        answer(response, readiness.ready ? 200 : 503, JSON.stringify(readiness));
      },
    ],
    ['/metrics', async (response) => answer(response, 200, await readMetrics(), expositionType)],
  ]);
  return ({ url = '', method }, response) => {
    const respond = answers.get(url.split('?')[0] ?? '');
    if (respond === undefined) return answer(response, 404, '{"code":"not_found"}');
    if (method !== 'GET' && method !== 'HEAD') return answer(response, 405, '{"code":"method_not_allowed"}');
    respond(response).catch(() => answer(response, 503, '{"code":"unavailable"}'));
    return undefined;
  };
}

function answer(response: ServerResponse, status: number, body: string, type = 'application/json') {
  response.writeHead(status, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' }).end(body);
}
