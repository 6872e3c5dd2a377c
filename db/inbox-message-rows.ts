import { type SQL, sql } from 'drizzle-orm';
import type { AppInboxMessage } from '../webhook/profiles/app-inbox.ts';

/** The statuses of messages that their contact can see, as SQL. */
export const isVisible = sql.raw(`status in ('available', 'delivered', 'read')`);

/** A message as `messageColumns` select it. */
export interface MessageRow {
  id: string;
  external_customer_id: string | null;
  created_ms: number;
  title: string | null;
  content: string | null;
  image: string | null;
  link: string | null;
  category: string | null;
  custom_data: string | null;
}

/** Of `inbox_messages m`. */
export const messageColumns: SQL = sql.raw(
  `m.id, m.external_customer_id, (extract(epoch from m.created_date) * 1000)::float8 as created_ms, m.title, m.content, ` +
    `m.image, m.link, m.category, m.custom_data`,
);

/** A message's documented fields; without `externalCustomerId` for a contact that has none. */
export type StoredFields = Omit<AppInboxMessage, 'externalCustomerId'> & {
  externalCustomerId?: string | undefined;
};

/** A row with the document's names, without what it lacks. */
export function toMessage(row: MessageRow): StoredFields {
  const given = (name: string, value: string | null) => (value === null ? {} : { [name]: value });
  return {
    ...given('externalCustomerId', row.external_customer_id),
    id: row.id,
    createdDate: row.created_ms,
    ...given('title', row.title),
    ...given('content', row.content),
    ...given('image', row.image),
    ...given('link', row.link),
    ...given('category', row.category),
    ...given('customData', row.custom_data),
  };
}
