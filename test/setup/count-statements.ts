import type { Database } from '../../db/database.ts';

/** The database as whoever is given it sees it, and how often it was asked by `selectRows`. */
export function countStatements(database: Database): { db: Database; statements(): number } {
  let statements = 0;
  const db: Database = new Proxy(database, {
    get(target, name) {
      // As `selectRows` uses it.
      if (name === 'session') statements += 1;
      return Reflect.get(target, name);
    },
  });
  return { db, statements: () => statements };
}
