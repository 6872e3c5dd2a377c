import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { LoadedDelivery } from '../../db/due-deliveries.ts';
import { createSealer, generateEncryptionKey } from '../../db/encryption.ts';
import { newId } from '../../db/ids.ts';
import type { AttemptRecord } from '../../db/record-attempts.ts';
import { createAttempter } from '../../delivery/attempter.ts';
import { generateSecret } from '../../webhook/secrets.ts';
import { clientCertificate, pem } from '../certificates/read.ts';

const sealer = createSealer(generateEncryptionKey());
const expired = { certificate: pem('expired'), private_key: pem('expired-key') };

test('nothing is sent with a client certificate that has expired, and the attempt says why', async () => {
  const records: AttemptRecord[] = [];
  const sent: string[] = [];
  const attempter = createAttempter({
    ...{ sealer, userAgent: 'test', scheduleScale: 1, random: Math.random, allowedPrivateCidrs: [] },
    http: {
      post: async ({ tls }) => {
        sent.push(tls?.client_certificate?.certificate ?? '');
        return { kind: 'failed', reason: 'tls', detail: 'the receiver is none', durationMs: 1 };
      },
      close: async () => {},
    },
    tokens: {
      get: () => Promise.reject(new Error('nobody wants one')),
      renew: () => Promise.reject(new Error('nobody wants one')),
      refusedNew: () => {},
    },
    recorder: {
      record: async (record) => {
        records.push(record);
        return {
          delivery_id: record.delivery_id,
          number: 1,
          status: 'pending',
          outcome_number: null,
          is_blocking: false,
          is_untold: false,
        };
      },
    },
    reporter: { report: () => {}, close: async () => {} },
    failures: { tell: () => {} },
    limiter: { count: () => () => {} },
    expirer: { end: async () => 'expired' },
    lanes: { advance: async () => {}, tryAgain: () => {} },
    expressions: {
      filter: () => Promise.reject(new Error('it has none')),
      transform: () => Promise.reject(new Error('it has none')),
    },
    cancelFiltered: () => Promise.reject(new Error('it has none')),
    log: pino({ level: 'silent' }),
  });
  for (const client_certificate of [expired, clientCertificate]) {
    await attempter.attempt(deliveryWith({ client_certificate, server_ca: null }));
  }
  expect(
    records.map(({ reason, detail, request_headers }) => ({
      reason,
      detail,
      headers: Object.keys(request_headers).length > 0,
    })),
  ).toEqual([
    { reason: 'certificate_expired', detail: "the webhook's client certificate has expired", headers: false },
    { reason: 'tls', detail: 'the receiver is none', headers: true },
  ]);
  expect(sent).toEqual([clientCertificate.certificate]);
});

function deliveryWith(tls: object): LoadedDelivery {
  const id = newId('wh');
  return {
    ...{
      id: newId('dlv'),
      account_id: newId('acct'),
      workflow_id: 'deliver/x',
      status: 'pending',
      reason: null,
    },
    ...{
      attempt_count: 0,
      scheduled_attempts: 0,
      next_attempt_at: null,
      expires_at: null,
      head_start: null,
      is_waiting: false,
      lane: null,
      is_filter_open: false,
    },
    event: {
      ...{
        id: newId('evt'),
        client_id: null,
        type: 'message.read',
        channel: null,
        data: '{}',
        is_test: false,
      },
      created_at: new Date(),
    },
    webhook: {
      ...{
        id,
        is_deleted: false,
        endpoint_state: 'healthy',
        url: 'https://receiver.test/',
        profile: 'inbox',
      },
      ...{ ordering: null, on_failure: 'skip' },
      ...{ retry_schedule: null, timeout_ms: null, headers_sealed: null, auth_sealed: null },
      ...{ filter: null, transformation: null },
      ...{ tls_sealed: sealer.seal(JSON.stringify(tls), id), rate_limit: null, max_in_flight: null },
      secrets_sealed: [sealer.seal(generateSecret(), id)],
    },
  };
}
