/** What the platforms' documents show, field by field as it stands there. */

/** "Register Your Webhook" of the Inbox API; a receiver puts its own URL in. */
export const registration = {
  url: 'https://yourapp.com/webhooks/inbox',
  events: ['message.delivered', 'message.read', 'message.failed'],
  description: 'Production webhook endpoint',
};

/** "Event Types" of the Inbox API. */
export const inboxEvents = [
  {
    id: 'evt_1234567890',
    type: 'message.delivered',
    created_at: '2025-01-15T10:25:03Z',
    data: {
      message_id: 'msg_1234567890',
      to: '+15551234567',
      delivered_at: '2025-01-15T10:25:03Z',
      device_id: 'dev_abcdef123456',
    },
  },
  {
    id: 'evt_1234567891',
    type: 'message.read',
    created_at: '2025-01-15T10:25:15Z',
    data: {
      message_id: 'msg_1234567890',
      to: '+15551234567',
      read_at: '2025-01-15T10:25:15Z',
      device_id: 'dev_abcdef123456',
    },
  },
  {
    id: 'evt_1234567892',
    type: 'message.failed',
    created_at: '2025-01-15T10:30:00Z',
    data: {
      message_id: 'msg_1234567890',
      to: '+15551234567',
      error_code: 'recipient_unreachable',
      error_message: 'Recipient has not installed the Inbox app',
      failed_at: '2025-01-15T10:30:00Z',
    },
  },
  {
    id: 'evt_1234567893',
    type: 'message.action',
    created_at: '2025-01-15T10:26:00Z',
    data: {
      message_id: 'msg_1234567890',
      to: '+15551234567',
      action: 'confirm',
      action_data: {
        button_id: 'btn_confirm',
        custom_data: { order_id: 'A-123' },
      },
      clicked_at: '2025-01-15T10:26:00Z',
    },
  },
];

/** "Example payloads" of InboxComponents. */
export const inboxComponentsEvents = [
  {
    id: '0195f17d-0031-7b10-ac8b-454e0f57a85d',
    event: 'message.received',
    data: {
      conversation_id: '0195f0b1-5f4c-7bbe-8826-de31472446d0',
      id: '0195f17d-0031-7b10-ac8b-454e0f57a85d',
      modified_at: 1743513255,
      date: 1743513245,
      type: 'whatsapp',
      metadata: [],
      attachments: [],
      is_sent: false,
      is_hidden: false,
      is_event: false,
      event_type: null,
      account_id: '01951e90-1435-7169-8388-37827397b7a2',
      inline_attachments: [],
      body: 'test',
      from: [{ name: 'Micheal Scott', profilePicture: 'example.com/picture.jpg' }],
      snippet: 'test',
      is_supported: true,
      reactions: [],
      quote: null,
      deleted: false,
      provider_id: 'rhfds2435rasdd',
      custom: [],
    },
    idempotency_key: 'ae74038cfaa2ead7095ef0517ead67f58eeca1abeb8dc60fa7a39b3bdfb04793',
  },
  {
    id: '0195f17d-0031-7b10-ac8b-454e0f57a85d',
    event: 'message.sent',
    data: {
      conversation_id: '0195f0b1-5f4c-7bbe-8826-de31472446d0',
      id: '0195f17d-0031-7b10-ac8b-454e0f57a85d',
      modified_at: 1743513255,
      date: 1743513245,
      type: 'whatsapp',
      metadata: [],
      attachments: [],
      is_sent: true,
      is_hidden: false,
      is_event: false,
      event_type: null,
      account_id: '01951e90-1435-7169-8388-37827397b7a2',
      inline_attachments: [],
      body: 'test',
      from: [{ name: 'Micheal Scott', profilePicture: 'example.com/picture.jpg' }],
      snippet: 'test',
      is_supported: true,
      reactions: [],
      quote: null,
      deleted: false,
      provider_id: 'rhfds2435rasdd',
      custom: [],
    },
    idempotency_key: 'ae74038cfaa2ead7095ef0517ead67f58eeca1abeb8dc60fa7a39b3bdfb04793',
  },
];

/** "Supported Events" of the omnichannel platform. */
export const newMessage = {
  event: 'newMessage',
  message: {
    sender: {
      name: 'Message Sender',
      authUser: false,
      lastActivity: '2022-01-29T07:27:52.676Z',
    },
    externalId: null,
    content: 'Hello World!',
    contentType: 'TEXT',
    imageUrl: null,
    videoUrl: null,
    documentUrl: null,
    audioUrl: null,
    quoted_message_id: null,
    conversation_id: 'bf9d96d9-e495-489a-a22a-206b0ea44d90',
  },
  conversation: {
    id: 'bf9d96d9-e495-489a-a22a-206b0ea44d90',
    subject: null,
    agent: null,
    customer: {
      name: 'Customer name',
      email: 'customer@mail.com',
    },
    lastMessageAt: '2022-01-29T07:27:52.793Z',
    status: 'in-queue',
    country: 'NG',
    read: false,
    createdAt: '2022-01-29T07:18:58.172Z',
    updatedAt: '2022-01-29T07:27:52.794Z',
    agent_id: null,
    Channel: {
      id: '8bad2edc-2973-4cec-8f33-a17c54dc0686',
      phone: null,
      identifier: 'Identifier',
      medium: 'WHATSAPP',
      credentials: null,
      description: 'Whatsapp Channel',
      name: 'Channel name',
      type: 'CUSTOM',
      provider: null,
      country: 'NG',
      env: 'LIVE',
      status: 'ACTIVE',
      webhookUrl: 'https://webhook.url',
    },
  },
};

/** The documented fields in their order; the document gives each field's type and no values. */
export const appInboxMessage = {
  externalCustomerId: 'customer-1042',
  id: '5f0c5a3e-7c1b-4d7a-9a56-0d1e2b3c4d5e',
  createdDate: 1736936703000,
  title: 'Your order is on its way',
  content: 'It arrives tomorrow between 9 and 12.',
  image: 'https://example.com/parcel.png',
  link: 'https://example.com/orders/A-123',
  category: 'orders',
  customData: '{"order_id":"A-123"}',
};
