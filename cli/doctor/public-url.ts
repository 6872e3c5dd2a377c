import { connect } from 'node:tls';
import type { Config } from '../../config.ts';
import { isLocal } from './database.ts';
import { type Finding, findingsOf, messageOf } from './finding.ts';
import { expiryFinding } from './temporal.ts';

const patienceMs = 5_000;

/** How people reach Postrider: encrypted, by a certificate that lasts. */
export async function checkPublicUrl(config: Config): Promise<Finding[]> {
  const finding = findingsOf('tls');
  const given = config.PUBLIC_URL;
  if (given === undefined || !given.startsWith('https:')) {
    if (isLocal(config.HOST)) return [finding.ok('it listens to this machine alone')];
    return [
      finding.warning(
        `it listens on ${config.HOST} without TLS: whoever is between can read API keys`,
        'put a proxy with a certificate before it, and set PUBLIC_URL to its https:// address',
      ),
    ];
  }
  const { hostname, port } = new URL(given);
  try {
    const validTo = await certificateEnd(hostname.replace(/^\[|\]$/g, ''), Number(port || 443));
    return [expiryFinding('tls', validTo, given)];
  } catch (error) {
    const advice = 'look at PUBLIC_URL, and at what serves it: people’s links, and portal links, go there';
    return [finding.warning(`${given} cannot be reached from here: ${messageOf(error)}`, advice)];
  }
}

function certificateEnd(host: string, port: number): Promise<Date> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, servername: host, timeout: patienceMs });
    socket.once('secureConnect', () => {
      resolve(new Date(socket.getPeerCertificate().valid_to));
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
    socket.once('error', reject);
  });
}
