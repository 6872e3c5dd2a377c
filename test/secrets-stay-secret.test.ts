import { createPrivateKey } from 'node:crypto';
import { Writable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { selectRows } from '../db/database.ts';
import { openStorage } from '../storage.ts';
import { generateSecret } from '../webhook/secrets.ts';
import { clientCertificate } from './certificates/read.ts';
import { startTestPostrider, type TestPostrider } from './setup/postrider.ts';
import { startReceiver } from './setup/receiver.ts';
import { waitFor } from './setup/wait-for.ts';

const secrets = {
  given: generateSecret(),
  rotated: generateSecret(),
  password: 'marker-basic-password-4711',
  token: 'marker-bearer-token-4711',
  header: 'marker-header-value-4711',
  clientSecret: 'marker-client-secret-4711',
  parameter: 'marker-parameter-4711',
  accessToken: 'marker-access-token-4711',
  passphrase: 'marker-passphrase-4711',
};
const { certificate, private_key } = clientCertificate;
/** The key's own bits, as every form of it has them. */
const keyBits = createPrivateKey(private_key).export({ format: 'jwk' }).d ?? '';
const encryptedKey = createPrivateKey(private_key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: secrets.passphrase })
  .toString();
const keyLines = [private_key, encryptedKey].flatMap((text) => text.split('\n').slice(1, 3));
const authorization = Buffer.from(`user:${secrets.password}`).toString('base64');
/** In the URL, which an account may see again, but neither Temporal nor the log. */
const inUrl = 'marker-url-token-4711';
const payload = 'marker-payload-4711';

/** Each as it is and as base64 would show it, with and without the prefix. */
const markers = [...Object.values(secrets), authorization, keyBits, ...keyLines].flatMap((text) => [
  text,
  text.replace('whsec_', ''),
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
]);

function expectNone(what: string, text: string, hidden: readonly string[] = markers) {
  for (const marker of hidden) expect(text.includes(marker), `${what} shows ${marker}`).toBe(false);
}

test('no secret, password, token or header value is in the log, in Temporal, in answers or readable in the database', async () => {
  const logLines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logLines.push(String(chunk));
      done();
    },
  });
  const postrider = await startTestPostrider({}, { log: pino({ level: 'trace' }, sink) });
  const receiver = await startReceiver((_, index) => (index % 3 === 2 ? 200 : 500));
  const answers: string[] = [];
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await postrider.request(method, path, body);
    answers.push(JSON.stringify([answer.json, [...answer.headers]]));
    return answer;
  };
  const basic = { type: 'basic', username: 'user', password: secrets.password };
  const headers = { 'X-Custom': secrets.header };

  // Shown when it is made: these answers are not looked at.
  const url = `${receiver.url}?token=${inUrl}`;
  const first = await postrider.createWebhook({
    ...{ url, events: ['marked'], secret: secrets.given, headers, auth: basic },
    ...{ retry_schedule: { delays_ms: [0, 100, 100] } },
  });
  const dead = await postrider.createWebhook({
    ...{ url: `http://127.0.0.1:1023/${inUrl}`, events: ['marked'], headers },
    ...{ auth: { type: 'bearer', token: secrets.token }, retry_schedule: { delays_ms: [0, 100] } },
  });
  await postrider.request('POST', `/v1/webhooks/${first.id}/rotate-secret`, { secret: secrets.rotated });
  // The token endpoint refuses once, and says again what it was asked.
  const given = JSON.stringify({ access_token: secrets.accessToken });
  const tokens = await startReceiver(({ body }, index) =>
    index === 0 ? { status: 400, body } : { status: 200, body: given },
  );
  const guarded = await startReceiver();
  const oauth = { type: 'oauth2', client_id: 'id', client_secret: secrets.clientSecret };
  const auth = {
    ...{ ...oauth, token_url: tokens.url, client_authentication: 'body' },
    parameters: { resource: secrets.parameter },
  };
  const granted = await postrider.createWebhook({
    // The refusal is remembered for a second.
    ...{ url: guarded.url, events: ['marked'], auth, retry_schedule: { delays_ms: [0, 1_200_000] } },
  });
  const certified = await postrider.createWebhook({
    ...{ url: `https://127.0.0.1:1023/${inUrl}`, events: ['marked'], retry_schedule: { delays_ms: [0] } },
    client_certificate: { certificate, private_key: encryptedKey, passphrase: secrets.passphrase },
  });

  const problems = [
    await ask('POST', `/v1/webhooks/${first.id}/rotate-secret`, { secret: secrets.rotated }),
    await ask('POST', `/v1/webhooks/${first.id}/rotate-secret`, { secret: `${secrets.given}!` }),
    await ask('POST', '/v1/webhooks', { url, events: [''], secret: secrets.given, headers, auth: basic }),
    await ask('PATCH', `/v1/webhooks/${first.id}`, { headers: { 'X-Custom': `${secrets.header}\n` } }),
    await ask('PATCH', `/v1/webhooks/${first.id}`, { auth: { ...basic, type: secrets.password } }),
    await ask('PATCH', `/v1/webhooks/${first.id}`, { auth: { type: 'bearer', token: `${secrets.token} ` } }),
    await ask('PATCH', `/v1/webhooks/${first.id}`, {
      auth: { ...auth, client_id: secrets.clientSecret, scope: '' },
    }),
    await ask('PATCH', `/v1/webhooks/${granted.id}`, {
      auth: { ...auth, parameters: { scope: secrets.parameter } },
    }),
    await ask('PATCH', `/v1/webhooks/${certified.id}`, {
      client_certificate: { certificate: private_key, private_key: encryptedKey, passphrase: 'another' },
    }),
  ];
  expect(problems.map(({ status }) => status)).toEqual(problems.map(() => 422));

  const event = await postrider.postEvent({ type: 'marked', data: { payload } });
  const ended = await waitFor(async () => {
    const { deliveries } = (await ask('GET', `/v1/events/${event.id}`)).json;
    return deliveries.every(({ ended_at }: { ended_at: unknown }) => ended_at !== null)
      ? deliveries
      : undefined;
  }, 'all deliveries to end');
  expect(ended.map(({ status }: { status: string }) => status).sort()).toEqual([
    ...['failed', 'failed', 'succeeded', 'succeeded'],
  ]);
  // The receiver did get them, so that there was something to hide.
  expect(receiver.received[0]?.headers).toMatchObject({
    authorization: `Basic ${authorization}`,
    'x-custom': secrets.header,
  });
  expect(tokens.received[0]?.body).toContain(secrets.clientSecret);
  expect(guarded.received[0]?.headers.authorization).toBe(`Bearer ${secrets.accessToken}`);
  const retried = await ask('POST', `/v1/deliveries/${ended[0].id}/retry`);
  await postrider.temporal.workflow.getHandle(`attempt/${retried.json.attempt_id}`).result();
  for (const { id } of [first, dead, granted, certified]) {
    for (const path of ['', '/logs']) await ask('GET', `/v1/webhooks/${id}${path}`);
    await ask('PATCH', `/v1/webhooks/${id}`, { description: 'changed' });
  }
  for (const { id } of ended) await ask('GET', `/v1/deliveries/${id}`);
  for (const path of ['webhooks', 'deliveries', 'events', 'api-keys', 'accounts', 'event-types']) {
    await ask('GET', `/v1/${path}`);
  }
  const attempts = (await ask('GET', `/v1/webhooks/${first.id}/logs`)).json.data;
  expect(attempts[0].request_headers).toMatchObject({ 'X-Custom': '•••', Authorization: '•••' });

  const histories = await allHistories(postrider);
  await postrider.stop();
  const dump = await dumpOf(postrider);

  expect(answers.length).toBeGreaterThan(20);
  expectNone('an answer', answers.join('\n'));
  expect(logLines.length).toBeGreaterThan(20);
  expectNone('the log', logLines.join('\n'), [...markers, inUrl, payload]);
  expectLines(
    logLines.map((line) => JSON.parse(line)),
    { event, failed: ended.find(({ status }: { status: string }) => status === 'failed') },
  );
  expect(histories).toContain(ended[0].id);
  expectNone('Temporal', histories, [...markers, inUrl, payload]);
  expect(dump).toContain(payload);
  expectNone('the database', dump);

  await postrider.close();
  await receiver.close();
  await tokens.close();
  await guarded.close();
}, 60_000);

/** A line a request and an attempt, with the ids that lead from one to the other: so that there was something to hide. */
function expectLines(
  lines: Record<string, unknown>[],
  { event, failed }: { event: { id: string }; failed: { id: string; webhook_id: string } },
) {
  const posted = lines.filter(({ route, method }) => route === '/v1/events' && method === 'POST');
  const ids = { account_id: expect.stringMatching(/^acct_/), event_id: event.id };
  expect(posted).toEqual([expect.objectContaining({ ...ids, status: 202, request_id: expect.any(String) })]);
  const attempts = lines.filter(({ delivery_id, attempt }) => delivery_id === failed.id && attempt === 1);
  expect(attempts).toEqual([
    expect.objectContaining({
      ...{ ...ids, msg: 'attempt failed', webhook_id: failed.webhook_id, trigger: 'schedule' },
      ...{ workflow_id: expect.stringMatching(/^deliver\//), attempt_id: expect.stringMatching(/^att_/) },
      ...{ response_status: null, duration_ms: expect.any(Number), reason: 'the connection was refused' },
    }),
  ]);
}

/** Every workflow of this Postrider, its payloads decoded. */
async function allHistories({ temporal, config }: TestPostrider): Promise<string> {
  const query = `TaskQueue = "${config.TEMPORAL_TASK_QUEUE}"`;
  const ids = await waitFor(async () => {
    const found: string[] = [];
    for await (const { workflowId } of temporal.workflow.list({ query })) found.push(workflowId);
    const kinds = new Set(found.map((id) => id.split('/')[0]));
    return kinds.has('deliver') && kinds.has('attempt') ? found : undefined;
  }, 'the workflows to be listed');
  const texts = await Promise.all(
    ids.map(async (id) => {
      const handle = temporal.workflow.getHandle(id);
      const history = JSON.stringify(await handle.fetchHistory());
      const { raw } = await handle.describe();
      const described = JSON.stringify(raw);
      return [history, decoded(history), described, decoded(described)].join('\n');
    }),
  );
  return texts.join('\n');
}

/** Payloads are base64 in JSON. */
function decoded(json: string): string {
  return [...json.matchAll(/"([A-Za-z0-9+/]{8,}=*)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))
    .join('\n');
}

/** All rows of all tables, sealed columns included. */
async function dumpOf({ config }: TestPostrider): Promise<string> {
  const options = { folder: config.DATA_DIR, poolSize: 3, log: pino({ level: 'silent' }) };
  const { database } = await openStorage(config, options);
  try {
    const tables = await selectRows<{ name: string }>(
      database.db,
      sql`select quote_ident(table_name) as name from information_schema.tables
          where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const rows = [];
    for (const { name } of tables) {
      const all = await selectRows<{ row: unknown }>(
        database.db,
        sql`select to_jsonb(t) as row from ${sql.raw(name)} t`,
      );
      rows.push(...all.map(({ row }) => JSON.stringify(row)));
    }
    return rows.join('\n');
  } finally {
    await database.close();
  }
}
