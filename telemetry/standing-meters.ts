import { Gauge, Registry } from 'prom-client';
import type { Database } from '../db/database.ts';
import { findStanding } from '../db/standing.ts';

/** A reading is good for so long, in ms: however often someone asks, the database is asked once. */
const freshMs = 1_000;
const timeoutMs = 1_000;

/** How all processes together stand, as the database knows it. While that is away there is nothing but that. */
export function createStandingMeters({
  db,
  now = () => performance.now(),
}: {
  db: Database;
  now?: () => number;
}): { read(): Promise<string> } {
  let reading: { text: Promise<string>; at: number } | undefined;

  async function read(): Promise<string> {
    const registry = new Registry();
    const set = (name: string, help: string, value: number, labels: Record<string, string> = {}) => {
      const known = registry.getSingleMetric(name) as Gauge | undefined;
      const gauge =
        known ?? new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] });
      gauge.set(labels, value);
    };
    const standing = await findStanding(db, timeoutMs).catch(() => undefined);
    set('postrider_database_up', 'Whether the database has answered.', standing === undefined ? 0 : 1);
    if (standing === undefined) return registry.metrics();
    set(
      'postrider_delivery_lag_seconds',
      'How long the delivery is overdue that has been so the longest.',
      standing.lag_ms / 1000,
    );
    set(
      'postrider_deliveries_due',
      'Deliveries that should have been attempted by now, those under way included; counted up to 10,000.',
      standing.due,
    );
    set(
      'postrider_deliveries_held',
      'Deliveries that wait for their endpoint to recover; counted up to 100,000.',
      standing.held,
    );
    set(
      'postrider_deliveries_queued',
      'Deliveries that wait for their consumers to pull them; counted up to 100,000.',
      standing.queued,
    );
    set(
      'postrider_events_scheduled',
      'Events that wait for their time; counted up to 100,000.',
      standing.scheduled,
    );
    set(
      'postrider_scheduled_lag_seconds',
      'How long the scheduled event is overdue that has been so the longest.',
      standing.release_lag_ms / 1000,
    );
    set(
      'postrider_deliveries_behind',
      'Deliveries that wait for another of their lane to end; counted up to 100,000.',
      standing.behind,
    );
    set(
      'postrider_lanes_blocked',
      'Lanes that wait for a delivery which has failed for good; counted up to 100,000.',
      standing.blocked,
    );
    set(
      'postrider_client_certificates_ended',
      'Webhooks whose client certificate has ended.',
      standing.certificates_ended,
    );
    if (standing.certificate_ends_ms !== null) {
      set(
        'postrider_client_certificate_ends_seconds',
        'How long it is until the client certificate ends that does so next; absent without any.',
        standing.certificate_ends_ms / 1000,
      );
    }
    for (const [state, count] of Object.entries(standing.endpoints)) {
      set('postrider_endpoints', 'Endpoints by state.', count, { state });
    }
    return registry.metrics();
  }

  return {
    read() {
      if (reading === undefined || now() - reading.at >= freshMs) reading = { text: read(), at: now() };
      return reading.text;
    },
  };
}
