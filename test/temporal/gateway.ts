import { readFileSync } from 'node:fs';
import {
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export const certificate = (name: string) =>
  fileURLToPath(new URL(`./certificates/${name}.pem`, import.meta.url));

/** What stands before a Temporal that is not open to everybody: TLS, certificates or keys of clients, and what they may do. */
export interface Gateway {
  readonly address: string;
  /** How many requests came through. */
  requests(): number;
  close(): Promise<void>;
}

export interface GatewayRules {
  /** Whether clients need a certificate of ours. */
  wantsCertificate?: boolean;
  /** The API key that clients need. */
  apiKey?: string;
  /** Services or methods that nobody may use. */
  denies?: RegExp;
}

const unauthenticated = '16';
const permissionDenied = '7';

/** In front of a Temporal at host:port. */
export async function startGateway(target: string, rules: GatewayRules = {}): Promise<Gateway> {
  const { wantsCertificate = false, apiKey, denies } = rules;
  const upstream = connect(`http://${target}`);
  const server = createSecureServer({
    cert: readFileSync(certificate('server')),
    key: readFileSync(certificate('server-key')),
    ca: readFileSync(certificate('ca')),
    requestCert: wantsCertificate,
    rejectUnauthorized: wantsCertificate,
  });
  let passed = 0;
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const path = `${headers[constants.HTTP2_HEADER_PATH]}`;
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) {
      return refuse(stream, unauthenticated, 'who is it?');
    }
    if (denies?.test(path)) return refuse(stream, permissionDenied, 'not for you');
    passed += 1;
    return pass(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    const request = upstream.request({ ...headers, ':scheme': 'http', ':authority': target });
    request.on('error', () => stream.close());
    stream.once('close', () => request.close());
    let trailers: IncomingHttpHeaders = {};
    request.once('trailers', (given) => {
      trailers = given;
    });
    request.once('response', (answer, flags) => {
      if (stream.destroyed) return;
      const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(answer, { endStream: isAll, waitForTrailers: !isAll });
      if (isAll) return;
      stream.once('wantTrailers', () => stream.sendTrailers(trailers));
      request.pipe(stream);
    });
    stream.pipe(request);
  }

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => passed,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refuse(stream: ServerHttp2Stream, status: string, message: string) {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message },
    { endStream: true },
  );
}
