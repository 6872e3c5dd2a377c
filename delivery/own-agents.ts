import { createSecureContext, type SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { Agent } from 'undici';
import type { TlsSettings } from '../webhook/tls-settings.ts';

/** TLS settings of one webhook. */
export interface OwnTls extends TlsSettings {
  /** Whose they are: its id. */
  readonly owner: string;
}

/** HTTP agents of those that connect with TLS settings of their own. */
export interface OwnAgents {
  /**
   * The agent of that owner: with other settings than before it is another one, which shares no connection with that.
   * Undefined when TLS takes these settings no more.
   */
  of(tls: OwnTls): Agent | undefined;
  close(): Promise<void>;
}

const mostAgents = 1_000;

/** `ca`: the authorities where the settings name none; Node's if absent. */
export function createOwnAgents({
  newAgent,
  ca,
}: {
  newAgent: (secureContext: SecureContext) => Agent;
  ca: string | undefined;
}): OwnAgents {
  const agents = new Map<string, { tls: OwnTls; agent: Agent }>();

  /** It finishes what it has, and takes no more. */
  function retire(owner: string) {
    const retired = agents.get(owner);
    agents.delete(owner);
    retired?.agent.close().catch(() => {});
  }

  return {
    of(tls) {
      const known = agents.get(tls.owner);
      if (known !== undefined && (known.tls === tls || isDeepStrictEqual(known.tls, tls))) {
        // The oldest in the map is the one that was not asked for the longest.
        agents.delete(tls.owner);
        agents.set(tls.owner, known);
        return known.agent;
      }
      retire(tls.owner);
      const [oldest] = agents.keys();
      if (agents.size >= mostAgents && oldest !== undefined) retire(oldest);
      const secureContext = secureContextOf(tls, ca);
      if (secureContext === undefined) return undefined;
      const agent = newAgent(secureContext);
      agents.set(tls.owner, { tls, agent });
      return agent;
    },
    async close() {
      const all = [...agents.values()];
      agents.clear();
      await Promise.all(all.map(({ agent }) => agent.destroy()));
    },
  };
}

/** They were checked when they were given: by the OpenSSL of then. */
function secureContextOf(
  { client_certificate, server_ca }: OwnTls,
  ca: string | undefined,
): SecureContext | undefined {
  const authorities = server_ca ?? ca;
  try {
    return createSecureContext({
      ...(client_certificate === null
        ? {}
        : { cert: client_certificate.certificate, key: client_certificate.private_key }),
      ...(authorities === undefined ? {} : { ca: authorities }),
    });
  } catch {
    return undefined;
  }
}
