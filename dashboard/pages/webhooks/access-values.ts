import type { Webhook } from '../../api/types.ts';

type Auth = Webhook['auth'];
type ClientCredentials = Extract<Auth, { type: 'oauth2' }>;

/** What the form holds of how a webhook shows its receiver who it is. Secret values are •••, which sent again keeps them. */
export interface AccessValues {
  authType: Auth['type'];
  username: string;
  password: string;
  token: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  clientAuthentication: 'basic' | 'body';
  scope: string;
  audience: string;
  /** One a line: name=value. */
  parameters: string;
  certificate: string;
  privateKey: string;
  passphrase: string;
  serverCa: string;
}

export const emptyAccess: AccessValues = {
  authType: 'none',
  username: '',
  password: '',
  token: '',
  tokenUrl: '',
  clientId: '',
  clientSecret: '',
  clientAuthentication: 'basic',
  scope: '',
  audience: '',
  parameters: '',
  certificate: '',
  privateKey: '',
  passphrase: '',
  serverCa: '',
};

export function accessOf({
  auth,
  client_certificate,
  server_ca,
}: Pick<Webhook, 'auth' | 'client_certificate' | 'server_ca'>): AccessValues {
  return {
    ...emptyAccess,
    authType: auth.type,
    ...(auth.type === 'basic' ? { username: auth.username, password: auth.password } : {}),
    ...(auth.type === 'bearer' ? { token: auth.token } : {}),
    ...(auth.type === 'oauth2'
      ? {
          tokenUrl: auth.token_url,
          clientId: auth.client_id,
          clientSecret: auth.client_secret,
          clientAuthentication: auth.client_authentication,
          scope: auth.scope ?? '',
          audience: auth.audience ?? '',
          parameters: Object.entries(auth.parameters ?? {})
            .map(([name, value]) => `${name}=${value}`)
            .join('\n'),
        }
      : {}),
    certificate: client_certificate?.certificate ?? '',
    privateKey: client_certificate?.private_key ?? '',
    serverCa: server_ca ?? '',
  };
}

/** What the API is asked for. Empty fields of a certificate are none. */
export function accessBodyOf(values: AccessValues) {
  const { certificate, privateKey, passphrase, serverCa } = values;
  const hasCertificate = certificate.trim() !== '' || privateKey.trim() !== '';
  return {
    auth: authOf(values),
    client_certificate: hasCertificate
      ? { certificate, private_key: privateKey, ...(passphrase === '' ? {} : { passphrase }) }
      : null,
    server_ca: serverCa.trim() === '' ? null : serverCa,
  };
}

function authOf(values: AccessValues): Auth {
  const { authType, username, password, token } = values;
  if (authType === 'basic') return { type: 'basic', username, password };
  if (authType === 'bearer') return { type: 'bearer', token };
  return authType === 'oauth2' ? clientCredentialsOf(values) : { type: 'none' };
}

function clientCredentialsOf(values: AccessValues): ClientCredentials {
  const [scope, audience] = [values.scope.trim(), values.audience.trim()];
  const parameters = parametersIn(values.parameters);
  return {
    type: 'oauth2',
    token_url: values.tokenUrl.trim(),
    client_id: values.clientId,
    client_secret: values.clientSecret,
    client_authentication: values.clientAuthentication,
    ...(scope === '' ? {} : { scope }),
    ...(audience === '' ? {} : { audience }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  };
}

function parametersIn(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...value] = line.split('=');
      return [name.trim(), value.join('=').trim()];
    }),
  );
}
