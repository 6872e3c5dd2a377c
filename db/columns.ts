import { customType, timestamp } from 'drizzle-orm/pg-core';
import { type Id, type IdPrefix, idOf, uuidOf } from './ids.ts';

/** A column that is stored as a UUID (16 bytes) and read and written as a prefixed id. */
export function idColumn<P extends IdPrefix>(prefix: P) {
  return customType<{ data: Id<P>; driverData: string }>({
    dataType: () => 'uuid',
    toDriver: (id) => uuidOf(id),
    fromDriver: (uuid) => idOf(prefix, uuid),
  })();
}

/** A moment with millisecond precision, in UTC. */
export function moment() {
  return timestamp({ withTimezone: true, precision: 3, mode: 'date' });
}
