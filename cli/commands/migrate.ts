import { command } from '../command.ts';

export const migrateCommand = command({
  name: 'migrate',
  summary: 'bring the database to this version’s schema, and end',
  details: ['On PostgreSQL Postrider may run meanwhile; an embedded one has to be stopped.'],
  args: [],
  options: {},
  asksApi: false,
  canJson: false,
  async run({ env }) {
    const { main } = await import('../../main.ts');
    await main(['migrate'], env);
    return undefined;
  },
});
