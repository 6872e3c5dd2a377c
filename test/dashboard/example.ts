import { startTestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
import { seedStats } from './seed-stats.ts';

/** A Postrider with a day's life in it: well and broken endpoints, deliveries of every kind. */
export async function startExample() {
  // Receivers with names, as they have elsewhere.
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const postrider = await startTestPostrider(
    { SCHEDULE_SCALE: '0.05', TEMPORAL_UI_URL: 'https://temporal.acme.example' },
    { resolve },
  );
  const well = await startReceiver(({ body }) => ({ status: 200, body: `{"received": ${body}}` }));
  const broken = await startReceiver(() => ({
    status: 503,
    headers: { 'content-type': 'application/json' },
    body: '{"error": "upstream is down", "trace": "9f2c1"}',
  }));
  const slow = await startReceiver((_request, index) => (index % 4 === 3 ? 500 : 200));

  const urlOf = ({ url }: { url: string }, host: string, path: string) =>
    `http://${host}:${new URL(url).port}${path}`;
  const production = await postrider.createWebhook({
    url: urlOf(well, 'inbox.acme.example', '/webhooks/inbox'),
    description: 'Production inbox',
    events: ['message.delivered', 'message.read', 'message.failed'],
  });
  const crm = await postrider.createWebhook({
    url: urlOf(broken, 'crm.acme.example', '/events'),
    description: 'CRM sync',
    events: ['message.*'],
    health: { count: 'attempts', failures: 5 },
  });
  const analytics = await postrider.createWebhook({
    url: urlOf(slow, 'data.acme.example', '/analytics'),
    description: 'Analytics pipeline',
    events: ['*'],
    profile: 'standard',
    headers: { 'X-Team': 'data' },
    retry_schedule: { delays_ms: [0, 600_000, 1_200_000] },
    health: { failures: 100 },
  });
  await postrider.createWebhook({
    url: urlOf(well, 'staging.acme.example', '/webhooks/inbox'),
    events: ['message.action'],
    channels: ['whatsapp:+15551234567'],
    profile: 'omnichannel',
  });
  const { json: session } = await postrider.request('GET', '/v1/session');
  await postrider.request('PATCH', `/v1/accounts/${session.account.id}`, { name: 'Acme' });
  await postrider.request('POST', '/v1/api-keys', { name: 'Campaign server', scopes: ['events:write'] });
  await postrider.request('POST', '/v1/api-keys', { name: 'Status page', scopes: ['webhooks:read'] });
  await postrider.stop();
  await seedStats(postrider.config, session.account.id, [
    { id: production.id, perMinute: 42, failing: () => 0.002 },
    { id: analytics.id, perMinute: 18, failing: (hours) => (hours > 15 && hours < 17 ? 0.35 : 0.01) },
    { id: crm.id, perMinute: 9, failing: (hours) => (hours < 3 ? 0.9 : 0.015) },
  ]);
  await postrider.start();
  const types = [
    'message.delivered',
    'message.read',
    'message.delivered',
    'message.failed',
    'message.action',
  ];
  const ids: string[] = [];
  for (let index = 0; index < 40; index++) {
    const { id } = await postrider.postEvent({
      type: types[index % types.length],
      channel: index % 3 === 0 ? 'whatsapp:+15551234567' : 'sms:+15557654321',
      data: {
        message_id: `msg_${1_234_567_890 + index}`,
        to: `+1555${String(1_234_567 + index * 7_919).slice(0, 7)}`,
        delivered_at: '2025-01-15T10:25:03Z',
        device: { id: `dev_${index}`, os: index % 2 ? 'ios' : 'android', push: true, unread: index },
      },
    });
    ids.push(id);
  }
  const contact = 'customer-42';
  await postrider.request('POST', '/v1/inbox/messages', [
    {
      externalCustomerId: contact,
      title: 'Your order is on its way',
      content: 'Order A-123 left our warehouse this morning. It arrives tomorrow between 9 and 12.',
      link: 'https://shop.example/orders/A-123',
      category: 'Orders',
    },
    {
      externalCustomerId: contact,
      title: '20 % off this weekend',
      content: 'Only in the app, only until Sunday night.',
      image: 'https://shop.example/images/weekend.jpg',
      link: 'https://shop.example/sale',
      category: 'Offers',
    },
  ]);
  await waitFor(async () => {
    const { json } = await postrider.request('GET', `/v1/webhooks/${crm.id}/health`);
    return json.state === 'disabled' ? true : undefined;
  }, 'the broken endpoint to be disabled');
  for (let index = 0; index < 6; index++) {
    await postrider.postEvent({ type: 'message.delivered', data: { message_id: `msg_held_${index}` } });
  }
  const list = await postrider.request('GET', `/v1/deliveries?webhook_id=${crm.id}`);
  const retried = list.json.data.find((row: { attempt_count: number }) => row.attempt_count > 0);
  return {
    url: postrider.apiUrl(),
    key: postrider.key,
    postrider,
    /** Of a receiver that answers 200, with what it was sent. */
    wellUrl: well.url,
    pages: {
      overview: '/',
      webhooks: '/webhooks',
      webhook: `/webhooks/${production.id}`,
      'webhook-disabled': `/webhooks/${crm.id}`,
      'webhook-settings': `/webhooks/${crm.id}/settings`,
      'webhook-new': '/webhooks/new',
      deliveries: '/deliveries',
      delivery: `/deliveries/${retried.id}`,
      events: '/events',
      event: `/events/${ids.at(-1)}`,
      inbox: `/inbox?contact=${contact}`,
      settings: '/settings',
      'settings-event-types': '/settings/event-types',
      'settings-account': '/settings/account',
      'settings-audit-log': '/settings/audit-log',
    },
    async close() {
      await postrider.close();
      await Promise.all([well.close(), broken.close(), slow.close()]);
    },
  };
}

export type Example = Awaited<ReturnType<typeof startExample>>;
