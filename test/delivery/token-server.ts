import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { httpReceiver } from './receivers.ts';

/** What a token endpoint answers: JSON, with a status other than 200 where it says so; or nothing at all. */
export type TokenReply = { status?: number; body: unknown } | 'hang';

/** A token endpoint that keeps what it was asked, and gives out `token-1`, `token-2`… unless it is told otherwise. */
export async function startTokenServer(reply?: (request: number) => TokenReply) {
  const asked: { headers: IncomingHttpHeaders; form: Record<string, string> }[] = [];
  const server = await httpReceiver(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const number = asked.push({ headers: request.headers, form });
    const usual: TokenReply = {
      body: { access_token: `token-${number}`, token_type: 'Bearer', expires_in: 3_600 },
    };
    const answer = reply?.(number) ?? usual;
    if (answer === 'hang') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  return { ...server, url: `http://127.0.0.1:${server.port}/oauth2/token`, asked };
}

export type TokenServer = Awaited<ReturnType<typeof startTokenServer>>;
