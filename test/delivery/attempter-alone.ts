import { pino } from 'pino';
import type { LoadedDelivery } from '../../db/due-deliveries.ts';
import { createSealer, generateEncryptionKey } from '../../db/encryption.ts';
import { newId } from '../../db/ids.ts';
import type { AttemptRecord } from '../../db/record-attempts.ts';
import { createAttempter } from '../../delivery/attempter.ts';
import type { PostRequest } from '../../delivery/http-client.ts';
import { generateSecret } from '../../webhook/secrets.ts';

export const sealer = createSealer(generateEncryptionKey());

/** An attempter without a database and without a receiver; notes what it sends, records and ends as expired. */
export function attempterAlone(
  dependencies: Partial<
    Pick<Parameters<typeof createAttempter>[0], 'tokens' | 'expressions' | 'countBeside'>
  > = {},
) {
  const records: AttemptRecord[] = [];
  const sent: PostRequest[] = [];
  const expired: string[] = [];
  const attempter = createAttempter({
    ...{ sealer, userAgent: 'test', scheduleScale: 1, random: Math.random, allowedPrivateCidrs: [] },
    http: {
      post: async (request) => {
        sent.push(request);
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
    expirer: {
      end: async (id) => {
        expired.push(id);
        return 'expired';
      },
    },
    lanes: { advance: async () => {}, tryAgain: () => {} },
    expressions: {
      filter: () => Promise.reject(new Error('it has none')),
      transform: () => Promise.reject(new Error('it has none')),
    },
    countBeside: () => Promise.reject(new Error('it has none')),
    cancelFiltered: () => Promise.reject(new Error('it has none')),
    log: pino({ level: 'silent' }),
    ...dependencies,
  });
  return { attempter, records, sent, expired };
}

/** `webhook` is made with the webhook's id, for what is sealed with it. */
export function deliveryWith(
  webhook: (id: string) => Partial<LoadedDelivery['webhook']>,
  changes: Partial<LoadedDelivery> = {},
): LoadedDelivery {
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
      ...{ tls_sealed: null, rate_limit: null, max_in_flight: null },
      secrets_sealed: [sealer.seal(generateSecret(), id)],
      ...webhook(id),
    },
    ...changes,
  };
}
