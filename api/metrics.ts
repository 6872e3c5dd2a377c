import type { IncomingHttpHeaders } from 'node:http';
import type { Express } from 'express';
import type { Authenticator } from './authentication.ts';
import { withinDeadline } from './deadline.ts';
import { refuseOtherMethods } from './mount.ts';
import { Problem } from './problems.ts';
import { noteForLog } from './request-log.ts';
import type { ApiDependencies } from './routes.ts';

const path = '/metrics';
/** How long the processes are waited for, for their metrics. */
const deadlineMs = 3_000;
/** Prometheus's text format. */
const type = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Serves the metrics of the whole installation, which are no account's business: to admin keys of the first account, and
 * without a key to whoever is on this machine, where the API is for this machine alone.
 */
export function serveMetrics(
  app: Express,
  { readMetrics, settings }: Pick<ApiDependencies, 'readMetrics' | 'settings'>,
  authenticator: Authenticator,
): void {
  app.get(path, async (request, response) => {
    noteForLog(response, { route: path });
    if (settings.isForThisMachine !== true || !isFromThisMachine(request.headers)) {
      const caller = await authenticator.authenticate(request.headers.authorization, undefined);
      if (!caller.is_first_account || !caller.scopes.includes('admin')) {
        throw new Problem({
          status: 403,
          code: 'forbidden',
          detail: 'Only an admin key of the first account may do this; METRICS_PORT needs no key',
        });
      }
    }
    const text = await withinDeadline(readMetrics(), deadlineMs);
    response.set('Content-Type', type).end(text);
  });
  app.all(path, refuseOtherMethods(path, ['GET']));
}

const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Nobody passes it on, and it is not a page whose name was made to mean this machine. */
function isFromThisMachine(headers: IncomingHttpHeaders): boolean {
  const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const isOurName = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
  return isOurName && proxyHeaders.every((header) => headers[header] === undefined);
}
