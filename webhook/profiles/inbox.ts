import type { Profile } from '../profile.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Seed 003, "Retry Schedule": the sixth attempt comes 2 h 42 min 30 s after the first. */
export const inboxRetrySchedule = {
  delaysMs: [0, 30 * SECOND, 2 * MINUTE, 8 * MINUTE, 32 * MINUTE, 2 * HOUR],
  jitter: 0,
} as const;

/** The default dialect: seed 003. */
export const inbox: Profile = {
  name: 'inbox',
  body: ({ id, type, createdAt, data }) =>
    JSON.stringify({ id, type, created_at: createdAt.toISOString().replace(/\.\d+Z$/, 'Z'), data }),
  signs: ['x-inbox-signature', 'standard-webhooks'],
  retrySchedule: inboxRetrySchedule,
  timeoutMs: 10 * SECOND,
  neverRetried: {},
  carries: 'any',
  httpsOnly: false,
  authTypes: ['none', 'basic', 'bearer', 'oauth2'],
  health: { count: 'deliveries', failures: 5, min_failing_ms: 0, reenable: 'manual' },
  catalogue: [
    {
      type: 'message.delivered',
      description: "A message was delivered to the recipient's device",
      example: {
        message_id: 'msg_1234567890',
        to: '+15551234567',
        delivered_at: '2025-01-15T10:25:03Z',
        device_id: 'dev_abcdef123456',
      },
    },
    {
      type: 'message.read',
      description: 'A recipient opened and read a message',
      example: {
        message_id: 'msg_1234567890',
        to: '+15551234567',
        read_at: '2025-01-15T10:25:15Z',
        device_id: 'dev_abcdef123456',
      },
    },
    {
      type: 'message.failed',
      description: 'A message could not be delivered after all its retries',
      example: {
        message_id: 'msg_1234567890',
        to: '+15551234567',
        error_code: 'recipient_unreachable',
        error_message: 'Recipient has not installed the Inbox app',
        failed_at: '2025-01-15T10:30:00Z',
      },
    },
    {
      type: 'message.action',
      description: 'A recipient used an action button in a message',
      example: {
        message_id: 'msg_1234567890',
        to: '+15551234567',
        action: 'confirm',
        action_data: { button_id: 'btn_confirm', custom_data: { order_id: 'A-123' } },
        clicked_at: '2025-01-15T10:26:00Z',
      },
    },
  ],
};
