import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newId } from '../../db/ids.ts';
import { type AccessTokens, createAccessTokens } from '../../delivery/access-tokens.ts';
import { createHttpClient, type HttpClient } from '../../delivery/http-client.ts';
import { type Post, postWithToken } from '../../delivery/post-with-token.ts';
import type { Answer } from '../../webhook/answer.ts';
import type { ClientCredentials } from '../../webhook/profile.ts';
import { startTokenServer, type TokenReply, type TokenServer } from './token-server.ts';

let http: HttpClient;
let tokens: AccessTokens;
let outcomes: string[];
let isUrlAllowed: boolean;
let server: TokenServer;
const webhook = newId('wh');

beforeEach(() => {
  // Tokens age by it; what is waited for is real.
  vi.useFakeTimers({ toFake: ['performance'] });
  http = createHttpClient({ isAddressAllowed: () => true });
  outcomes = [];
  isUrlAllowed = true;
  tokens = createAccessTokens({
    http,
    isUrlAllowed: () => isUrlAllowed,
    onRequest: (outcome) => outcomes.push(outcome),
  });
});
afterEach(async () => {
  // First, so that nothing waits for what it does not say.
  await server[Symbol.asyncDispose]();
  await http.close();
  vi.useRealTimers();
});

const credentials = (change: Partial<ClientCredentials> = {}): ClientCredentials => ({
  ...{ type: 'oauth2', token_url: server.url, client_id: 'id', client_secret: 's3cret' },
  ...{ client_authentication: 'basic', ...change },
});

/** A receiver that takes those tokens and answers 401 to all others. */
function receiver(...taken: string[]) {
  const got: string[] = [];
  const post: Post = async (auth) => {
    const token = auth.type === 'bearer' ? auth.token : '';
    got.push(token);
    const status = taken.includes(token) ? 200 : 401;
    const answer: Answer = {
      ...{ kind: 'answered', status, headers: {}, body: '', bodyTruncated: false },
      durationMs: 1,
    };
    return { headers: { Authorization: '•••' }, answer };
  };
  return { got, taken, post };
}

const send = (post: Post, change: Partial<ClientCredentials> = {}, timeoutMs = 5_000) =>
  postWithToken(tokens, { webhook, credentials: credentials(change), timeoutMs }, post).then(({ answer }) =>
    answer.kind === 'answered' ? answer.status : answer.detail,
  );

describe('an access token', () => {
  test('is got once, however many attempts want it at the same time, and kept', async () => {
    server = await startTokenServer();
    const { post, got } = receiver('token-1');
    const all = await Promise.all(Array.from({ length: 20 }, () => send(post)));
    expect([...all, await send(post)]).toEqual(Array(21).fill(200));
    expect(new Set(got)).toEqual(new Set(['token-1']));
    expect(server.asked).toHaveLength(1);
    expect(outcomes).toEqual(['succeeded']);
  });

  test.each([
    ['a tenth of its life before its end', 100, 90],
    ['30 s before its end', 3_600, 3_570],
    ['after five minutes, less a tenth, where nothing is said of its end', undefined, 270],
    ['at once when it has none', 0, 0],
  ])('is got anew %s', async (_, expires_in, seconds) => {
    server = await startTokenServer((number) => ({ body: { access_token: `token-${number}`, expires_in } }));
    const { post, got } = receiver('token-1', 'token-2');
    await send(post);
    vi.advanceTimersByTime(Math.max(0, seconds * 1_000 - 1));
    if (seconds > 0) await send(post);
    vi.advanceTimersByTime(2);
    await send(post);
    expect(got).toEqual(seconds > 0 ? ['token-1', 'token-1', 'token-2'] : ['token-1', 'token-2']);
  });

  test('is another one with other credentials, and another webhook’s is its own', async () => {
    server = await startTokenServer();
    const { post, got } = receiver('token-1', 'token-2', 'token-3');
    await send(post);
    await send(post, { scope: 'more' });
    await postWithToken(tokens, { webhook: newId('wh'), credentials: credentials(), timeoutMs: 5_000 }, post);
    expect(got).toEqual(['token-1', 'token-2', 'token-3']);
  });
});

describe('a receiver that answers 401', () => {
  test('to a token that was kept gets a new one within the same attempt, and so do all at the same time', async () => {
    server = await startTokenServer();
    const { post, got, taken } = receiver('token-1');
    await send(post);
    taken.splice(0, 1, 'token-2');
    vi.advanceTimersByTime(1);
    expect(await Promise.all(Array.from({ length: 10 }, () => send(post)))).toEqual(Array(10).fill(200));
    expect(server.asked).toHaveLength(2);
    expect(got.filter((token) => token === 'token-2')).toHaveLength(10);
  });

  test('to a new token has answered, and for a while it is asked with that alone', async () => {
    server = await startTokenServer();
    const { post, got } = receiver();
    for (let sent = 0; sent < 5; sent += 1) expect(await send(post)).toBe(401);
    expect(got).toEqual(Array(5).fill('token-1'));
    expect(server.asked).toHaveLength(1);
  });

  test('to the renewed one as well has answered: no attempt asks a third time', async () => {
    server = await startTokenServer();
    const { post, got, taken } = receiver('token-1');
    await send(post);
    taken.pop();
    vi.advanceTimersByTime(1);
    expect(await send(post)).toBe(401);
    expect(got).toEqual(['token-1', 'token-1', 'token-2']);
    vi.advanceTimersByTime(29_000);
    expect(await send(post)).toBe(401);
    expect(server.asked).toHaveLength(2);
    vi.advanceTimersByTime(1_001);
    expect(await send(post)).toBe(401);
    expect(server.asked).toHaveLength(3);
  });

  test('keeps its answer when by then nothing more is to be sent', async () => {
    server = await startTokenServer();
    const { post, got, taken } = receiver('token-1');
    await send(post);
    taken.pop();
    vi.advanceTimersByTime(1);
    const wanted = { webhook, credentials: credentials(), timeoutMs: 5_000, isOver: () => true };
    expect((await postWithToken(tokens, wanted, post)).answer).toMatchObject({ status: 401 });
    expect(got).toEqual(['token-1', 'token-1']);
  });

  test('keeps its answer when there is no new token, or the same again', async () => {
    const same = { body: { access_token: 'token-1', expires_in: 3_600 } };
    server = await startTokenServer((number) => (number === 3 ? { status: 500, body: '' } : same));
    const { post, got, taken } = receiver('token-1');
    await send(post);
    taken.pop();
    // The same again is of no use for as long as a new one that is refused.
    for (const ms of [1, 29_000, 1_001]) {
      vi.advanceTimersByTime(ms);
      expect(await send(post)).toBe(401);
    }
    expect(got).toEqual(Array(4).fill('token-1'));
    expect(server.asked).toHaveLength(3);
  });
});

describe('without a token nothing is sent, and the attempt says why', () => {
  const failing = async (reply: TokenReply) => {
    server = await startTokenServer(() => reply);
    const { post, got } = receiver();
    const detail = await send(post, {}, 500);
    expect(got).toEqual([]);
    expect(detail).not.toContain('s3cret');
    return detail;
  };

  test('the endpoint refuses the client: whoever asks within a second gets the same answer', async () => {
    const words = 'no access token could be had: the token endpoint answered 401 (invalid_client)';
    const body = { error: 'invalid_client', error_description: 's3cret is wrong' };
    expect(await failing({ status: 401, body })).toBe(words);
    vi.advanceTimersByTime(999);
    expect(await send(receiver().post)).toBe(words);
    expect(server.asked).toHaveLength(1);
    vi.advanceTimersByTime(2);
    expect(await send(receiver().post)).toBe(words);
    expect(outcomes).toEqual(['failed', 'failed']);
  });

  test('the endpoint says nothing: within the attempt’s own time', async () => {
    expect(await failing('hang')).toBe('no access token could be had: the token endpoint gave none in time');
  });

  test('the endpoint is away', async () => {
    server = await startTokenServer();
    const post = receiver().post;
    expect(await send(post, { token_url: 'http://127.0.0.1:1/' })).toBe(
      'no access token could be had: at the token endpoint, the connection was refused',
    );
  });

  test('our own egress proxy is away: nobody’s fault but ours, and counted as such', async () => {
    server = await startTokenServer();
    const proxy = { url: new URL('http://127.0.0.1:1'), resolvesNames: false };
    const proxied = createHttpClient({ isAddressAllowed: () => true, proxy });
    const away = createAccessTokens({ http: proxied, isUrlAllowed: () => true });
    const { post, got } = receiver();
    const wanted = { webhook, credentials: credentials(), timeoutMs: 5_000 };
    const { answer } = await postWithToken(away, wanted, post);
    await proxied.close();
    const detail = 'the egress proxy on the side of the sender did not connect (ECONNREFUSED)';
    expect(answer).toMatchObject({ kind: 'failed', reason: 'proxy', detail });
    expect(got).toEqual([]);
  });

  test('the URL policy forbids the endpoint', async () => {
    server = await startTokenServer();
    isUrlAllowed = false;
    expect(await send(receiver().post)).toContain('is no longer permitted');
    expect(server.asked).toEqual([]);
  });
});
