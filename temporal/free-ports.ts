import { connect, createServer, type Server } from 'node:net';

/** Ports that nothing listens on, all different: the wanted one for each where it is free, else any. */
export async function freePorts(host: string, wanted: readonly (number | undefined)[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    // All are held until the last is known, so that none is given twice.
    for (const port of wanted) held.push(await listenOn(host, port).catch(() => listenOn(host, undefined)));
    const ports = held.map(portOf);
    await Promise.all(
      held.map((server, index) => (wanted[index] === ports[index] ? undefined : rest(server, host))),
    );
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
}

/** Whether something could listen on the port now. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    const server = await listenOn(host, port);
    await new Promise((done) => server.close(done));
    return true;
  } catch {
    return false;
  }
}

function listenOn(host: string, port: number | undefined): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((accepted) => {
      // Whoever looks for a server that had the port before: to wait for his end would be to wait for ever.
      accepted.on('error', () => {});
      accepted.destroy();
    });
    server.once('error', reject);
    server.listen({ host, port: port ?? 0, exclusive: true }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}

/**
 * A connection that the listening side closes first leaves its port in TIME_WAIT: for a minute Linux gives it to nobody who
 * asks for any port, yet it can be listened on by number.
 */
function rest(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = connect({ host, port: portOf(server) });
    client.once('end', () => client.end());
    client.once('close', () => resolve());
    client.once('error', reject);
    client.resume();
  });
}
