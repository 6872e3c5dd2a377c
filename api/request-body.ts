import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { jsonLimitErrors } from './json-limits.ts';
import { badRequest, invalidBody, Problem } from './problems.ts';

/** The longest body that is read on most routes, in bytes, after decompression. */
export const mostBodyBytes = 256 * 1024;

/**
 * Reads a request's JSON body; where it is optional and there is none, it is `{}`.
 * @throws Problem 400, 413, 415 or 422: what is wrong with it, without any of it
 */
export async function readJsonBody(
  request: Request,
  response: Response,
  limits: { isBodyOptional?: boolean; mostBodyBytes?: number; checksOwnValues?: boolean } = {},
): Promise<unknown> {
  requireJsonType(request);
  const bytes = await readBytes(request, response, limits.mostBodyBytes ?? mostBodyBytes);
  if (bytes.length === 0 && limits.isBodyOptional) return {};
  if (bytes.length === 0)
    throw badRequest('body_missing', 'The request has no body: a JSON object is expected');
  const value = parseJson(decodeUtf8(bytes));
  const errors = limits.checksOwnValues ? [] : jsonLimitErrors(value);
  if (errors.length > 0) throw invalidBody(errors);
  return value;
}

function requireJsonType(request: Request): void {
  const type = request.headers['content-type'];
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  if (type === undefined && !hasBody) return;
  const isJson = /^application\/json *(;|$)/i.test(type ?? '');
  const charset = /; *charset *= *"?([^";\s]*)/i.exec(type ?? '')?.[1];
  if (isJson && (charset === undefined || /^utf-?8$/i.test(charset))) return;
  throw unsupported('The body must be JSON in UTF-8: send it with the header Content-Type: application/json');
}

/** A body that is sent as it is, is read here; one that is compressed, by express. */
function readBytes(request: Request, response: Response, mostBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  return encoding === undefined || encoding.toLowerCase() === 'identity'
    ? readPlainBytes(request, mostBytes)
    : readEncodedBytes(request, response, mostBytes);
}

function readPlainBytes(request: Request, mostBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = Number(request.headers['content-length'] ?? 0);
    if (length > mostBytes) return reject(bodyProblem({ type: 'entity.too.large' }, mostBytes));
    length = 0;
    const unreadable = () => reject(bodyProblem({ status: 400 }, mostBytes));
    request
      .on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= mostBytes) chunks.push(chunk);
        else {
          // What still comes is thrown away, so that the answer can be sent.
          chunks.length = 0;
          reject(bodyProblem({ type: 'entity.too.large' }, mostBytes));
        }
      })
      .once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
      .once('error', unreadable)
      .once('aborted', unreadable);
    return undefined;
  });
}

function readEncodedBytes(request: Request, response: Response, mostBytes: number): Promise<Buffer> {
  const readRaw = express.raw({ limit: mostBytes, type: () => true });
  return new Promise((resolve, reject) => {
    readRaw(request, response, (error?: unknown) => {
      if (error !== undefined) reject(bodyProblem(error, mostBytes));
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}

/** What body-parser means by an error's `type`. */
function bodyProblem(error: unknown, mostBytes: number): unknown {
  const { type, status } = error as { type?: string; status?: number };
  if (type === 'entity.too.large') {
    return new Problem({
      status: 413,
      code: 'body_too_large',
      detail: `A body may have at most ${mostBytes} bytes`,
    });
  }
  if (type === 'encoding.unsupported')
    return unsupported('The Content-Encoding is not supported: use gzip, or none');
  if (status !== undefined && status < 500)
    return badRequest('body_unreadable', 'The body could not be read');
  return error;
}

function unsupported(detail: string): Problem {
  return new Problem({
    status: 415,
    code: 'unsupported_media_type',
    detail,
    headers: { 'Accept-Post': 'application/json' },
  });
}

const byteOrderMark = '\ufeff';

function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw badRequest('not_json', 'The body is not UTF-8 text');
  const text = bytes.toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The message itself would repeat some of the body.
    const position = /in JSON at position (\d+)/.exec((error as Error).message)?.[1];
    const where = position === undefined ? '' : `, as is seen at position ${position}`;
    throw badRequest('not_json', `The body is not JSON${where}`);
  }
}
