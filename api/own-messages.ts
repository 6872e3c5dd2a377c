import type { Express, Request, Response } from 'express';
import type { Messages } from '../api-listener.ts';

/**
 * Has the server make requests and answers that are Express's own from the beginning. Express would otherwise give each another
 * prototype when it comes in, after which V8 knows nothing of its shape: that was half of what a request cost (decision 33).
 */
export function serveOwnMessages(app: Express, { IncomingMessage, ServerResponse }: Messages): Express {
  const request = IncomingMessage.prototype as Request;
  const response = ServerResponse.prototype as Response;
  app.request = Object.setPrototypeOf(request, app.request);
  app.response = Object.setPrototypeOf(response, app.response);
  return app;
}
