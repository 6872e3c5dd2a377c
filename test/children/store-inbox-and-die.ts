import { openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import { type AccountId, newUuid } from '../../db/ids.ts';
import { storeInboxMessages } from '../../db/inbox-messages.ts';

// Stores a contact's message as the API does, and is killed between its commit and the start of the workflow.
const [account, externalCustomerId = '', folder = ''] = process.argv.slice(2);
const url = process.env.DATABASE_URL;
const { db } = url
  ? openServerDatabase({ url, poolSize: 1, onIdleError: () => {} })
  : await openEmbeddedDatabase({ folder });
const id = newUuid();
const message = { id, externalCustomerId, createdDate: 1736936703000, title: 'Stored', is_dated: true };
const { changed } = await storeInboxMessages(db, account as AccountId, [message], new Date());
process.stdout.write(`${changed.length}\n`, () => process.kill(process.pid, 'SIGKILL'));
