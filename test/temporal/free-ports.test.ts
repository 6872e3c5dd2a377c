import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { freePorts } from '../../temporal/free-ports.ts';

it('does not wait for clients that look for the server which had the port before', async () => {
  const [port = 0] = await freePorts('127.0.0.1', [undefined]);
  let isLooking = true;
  let found = 0;
  // As a client does that has lost its server: it connects as soon as it can, and then waits for an answer.
  const look = () => {
    if (!isLooking) return;
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      found += 1;
    });
    socket.on('error', () => {});
    socket.once('close', () => setTimeout(look, 1));
  };
  look();
  while (found < 3) expect((await freePorts('127.0.0.1', [port, undefined]))[0]).toBe(port);
  isLooking = false;
});
