import type { Command } from './command.ts';
import { completionCommand } from './commands/completion.ts';
import { deliveriesCancelCommand } from './commands/deliveries-cancel.ts';
import { deliveriesListCommand } from './commands/deliveries-list.ts';
import { deliveriesRetryCommand } from './commands/deliveries-retry.ts';
import { deliveriesShowCommand } from './commands/deliveries-show.ts';
import { doctorCommand } from './commands/doctor.ts';
import { listenCommand } from './commands/listen.ts';
import { migrateCommand } from './commands/migrate.ts';
import { sendCommand } from './commands/send.ts';
import { startCommand } from './commands/start.ts';
import { webhooksCreateCommand } from './commands/webhooks-create.ts';
import { webhooksDeleteCommand } from './commands/webhooks-delete.ts';
import { webhooksDisableCommand } from './commands/webhooks-disable.ts';
import { webhooksEnableCommand } from './commands/webhooks-enable.ts';
import { webhooksListCommand } from './commands/webhooks-list.ts';
import { webhooksLogsCommand } from './commands/webhooks-logs.ts';
import { webhooksRecoverCommand } from './commands/webhooks-recover.ts';
import { webhooksRotateSecretCommand } from './commands/webhooks-rotate-secret.ts';
import { webhooksSecretCommand } from './commands/webhooks-secret.ts';
import { webhooksShowCommand } from './commands/webhooks-show.ts';
import { webhooksTestCommand } from './commands/webhooks-test.ts';
import { webhooksUpdateCommand } from './commands/webhooks-update.ts';

/** Every command, in the order in which the help names them. A new one is a file in commands/ and a line here. */
export const commands: readonly Command[] = [
  startCommand,
  migrateCommand,
  doctorCommand,
  sendCommand,
  listenCommand,
  webhooksListCommand,
  webhooksShowCommand,
  webhooksCreateCommand,
  webhooksUpdateCommand,
  webhooksDeleteCommand,
  webhooksTestCommand,
  webhooksLogsCommand,
  webhooksEnableCommand,
  webhooksDisableCommand,
  webhooksRecoverCommand,
  webhooksSecretCommand,
  webhooksRotateSecretCommand,
  deliveriesListCommand,
  deliveriesShowCommand,
  deliveriesRetryCommand,
  deliveriesCancelCommand,
  completionCommand,
];
