import { startDevelopmentServer } from '../../temporal/development-server.ts';

// Starts a development server, says where it is, and waits to be ended.
const [cli = '', databaseFile, port] = process.argv.slice(2);
const server = await startDevelopmentServer({
  cli,
  databaseFile,
  ...(port === undefined ? {} : { port: Number(port) }),
  namespace: 'postrider-test',
  searchAttributes: {},
  log: () => {},
});
process.stdout.write(`${JSON.stringify({ address: server.address, pid: server.pid })}\n`);
