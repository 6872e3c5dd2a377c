import express, { type Express, type RequestHandler } from 'express';
import { createAccountLimiter } from '../delivery/account-limiter.ts';
import { accountRoutes } from './accounts.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { auditLogRoutes } from './audit-log.ts';
import { createAuthenticator } from './authentication.ts';
import { changesRoutes } from './changes.ts';
import { serveDashboard } from './dashboard.ts';
import { deliveryRoutes } from './deliveries.ts';
import { serveDocumentation } from './documentation.ts';
import { answerErrors, answerUnknownPath } from './error-handler.ts';
import { eventBatchRoutes } from './event-batches.ts';
import { createEventTypes } from './event-type-rules.ts';
import { eventTypeRoutes } from './event-types.ts';
import { eventRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { inboxRoutes } from './inbox.ts';
import { listenRoutes } from './listen.ts';
import { serveMetrics } from './metrics.ts';
import { mountRoutes } from './mount.ts';
import { openApiDocument } from './openapi.ts';
import { portalLinkRoutes } from './portal-links.ts';
import { pullRoutes } from './pull.ts';
import { logRequests } from './request-log.ts';
import { resendRoutes } from './resend.ts';
import { type ApiDependencies, type Route, route, type Services } from './routes.ts';
import { scheduledEventRoutes } from './scheduled-events.ts';
import { sessionRoutes } from './session.ts';
import { settingsWebhookRoutes } from './settings-webhooks.ts';
import { statsRoutes } from './stats.ts';
import { webhookExpressionRoutes } from './webhook-expressions.ts';
import { webhookHealthRoutes } from './webhook-health.ts';
import { webhookPreviewRoutes } from './webhook-preview.ts';
import { webhookRecoveryRoutes } from './webhook-recovery.ts';
import { webhookSecretRoutes } from './webhook-secrets.ts';
import { webhookTestRoutes } from './webhook-tests.ts';
import { webhookRoutes } from './webhooks.ts';

/** Every route of the API, as data. */
export const apiRoutes: readonly Route[] = [
  ...eventRoutes,
  ...eventBatchRoutes,
  ...scheduledEventRoutes,
  ...resendRoutes,
  ...webhookRoutes,
  ...webhookSecretRoutes,
  ...webhookHealthRoutes,
  ...webhookRecoveryRoutes,
  ...webhookTestRoutes,
  ...webhookPreviewRoutes,
  ...webhookExpressionRoutes,
  ...pullRoutes,
  ...listenRoutes,
  ...settingsWebhookRoutes,
  ...deliveryRoutes,
  ...inboxRoutes,
  ...eventTypeRoutes,
  ...apiKeyRoutes,
  ...accountRoutes,
  ...sessionRoutes,
  ...portalLinkRoutes,
  ...auditLogRoutes,
  ...statsRoutes,
  ...changesRoutes,
  ...healthRoutes,
];

/** The HTTP application; the caller listens. It keeps nothing that would have to be closed. */
export function createApp(dependencies: ApiDependencies): Express {
  const now = dependencies.now ?? (() => new Date());
  const authenticator = createAuthenticator(dependencies.db, now, dependencies.revocations);
  const services: Services = {
    ...dependencies,
    now,
    accountLimiter: createAccountLimiter(dependencies.db),
    eventTypes: createEventTypes({ db: dependencies.db, log: dependencies.log, now }),
    forgetCallers: authenticator.forget,
    onRevocation: authenticator.onRevocation,
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use(logRequests(dependencies.log, dependencies.onRequest), setSecurityHeaders);
  if (dependencies.traceRequests !== undefined) app.use(dependencies.traceRequests);
  mountRoutes(app, [...apiRoutes, documentRoute(dependencies.settings.version)], services, authenticator);
  serveDocumentation(app);
  serveMetrics(app, dependencies, authenticator);
  serveDashboard(app, dependencies.settings.dashboardFolder);
  app.use(answerUnknownPath, answerErrors(dependencies.log));
  return app;
}

/** For answers that are data; pages set their own policy. */
const securityHeaders = Object.entries({
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
});

const setSecurityHeaders: RequestHandler = (_request, response, next) => {
  for (const [name, value] of securityHeaders) response.setHeader(name, value);
  next();
};

function documentRoute(version: string): Route {
  const document = openApiDocument(apiRoutes, version);
  return route({
    method: 'get',
    path: '/openapi.json',
    name: 'getOpenApi',
    tag: 'Service',
    summary: 'This document',
    access: 'public',
    responses: { 200: { description: 'OpenAPI 3.1' } },
    handle: async () => ({ status: 200, body: document }),
  });
}
