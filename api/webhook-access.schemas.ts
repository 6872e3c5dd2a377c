import { z } from 'zod';
import { certificateLimits } from '../webhook/client-certificate.ts';
import { clientCredentialsLimits } from '../webhook/client-credentials.ts';
import { MAX_URL_CHARS } from '../webhook/url-policy.ts';
import { momentField } from './fields.schemas.ts';

// The ways in at a receiver: how a webhook's requests and connections show who they are.

const { maxChars, maxParameters } = clientCredentialsLimits;

const clientCredentialsField = z
  .strictObject({
    type: z.literal('oauth2'),
    token_url: z.string().meta({
      description: 'The token endpoint. https only, save for addresses that the operator lists.',
      example: 'https://login.example.com/oauth2/token',
      override: { format: 'uri', maxLength: MAX_URL_CHARS },
    }),
    client_id: z.string(),
    client_secret: z.string().meta({
      description:
        'Read back it is •••, which sent again keeps it for as long as the token endpoint is on the same host.',
    }),
    client_authentication: z.enum(['basic', 'body']).default('basic').meta({
      description: 'Whether the token endpoint gets id and secret by HTTP Basic or in the form.',
    }),
    scope: z.string().max(maxChars).optional().meta({
      description: 'Scopes, with blanks between.',
      example: 'events:write',
    }),
    audience: z.string().max(maxChars).optional().meta({ example: 'https://api.example.com' }),
    parameters: z
      .record(z.string(), z.string())
      .optional()
      .meta({
        description:
          `What else the token endpoint wants in the form, at most ${maxParameters}. Read back, values are •••, which sent ` +
          'again keeps them.',
      }),
  })
  .meta({
    description:
      'OAuth 2 client credentials (RFC 6749, section 4.4): requests carry `Authorization: Bearer` with a token that is got ' +
      'from the token endpoint, kept until shortly before it ends, and renewed once when the receiver answers 401.',
  });

export const authField = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('none') }),
    z.strictObject({ type: z.literal('basic'), username: z.string(), password: z.string() }),
    z.strictObject({ type: z.literal('bearer'), token: z.string() }),
    clientCredentialsField,
  ])
  .meta({
    description:
      'How requests authenticate. Read back, password and token are •••, which sent again keeps them.',
  });

const pem = (most: number) => z.string().min(1, 'must not be empty').max(most);

export const clientCertificateField = z
  .strictObject({
    certificate: pem(certificateLimits.maxChars).meta({
      description: 'PEM: the certificate, then those of its chain, each the issuer of the one before.',
      example: '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n',
    }),
    private_key: pem(certificateLimits.maxKeyChars).meta({
      description: 'PEM. Read back it is •••, which sent again keeps it.',
      example: '-----BEGIN PRIVATE KEY-----\nMIIE…\n-----END PRIVATE KEY-----\n',
    }),
    passphrase: z.string().max(certificateLimits.maxPassphraseChars).optional().meta({
      description: 'Of an encrypted private key. It is used once, and not stored.',
    }),
  })
  .meta({
    id: 'ClientCertificate',
    description:
      'What shows the receiver who connects (mTLS); null or absent for nothing. It needs an https:// URL.',
  });

export const serverCaField = pem(certificateLimits.maxChars).meta({
  description:
    'Certificates (PEM) of the authorities that the receiver’s certificate is held against; null or absent for the public ones.',
});

/** What answers tell of a client certificate beside it. */
export const certificateDetailsSchema = z
  .object({
    subject: z.string().meta({ example: 'CN=postrider, O=Example' }),
    issuer: z.string(),
    serial_number: z.string(),
    fingerprint: z.string().meta({ description: 'SHA-256, in hex with colons between.' }),
    not_before: momentField,
    not_after: momentField.meta({ description: 'From then on nothing is sent, until there is another one.' }),
  })
  .meta({ id: 'CertificateDetails' });

export type AuthBody = z.output<typeof authField>;
export type ClientCertificateBody = z.output<typeof clientCertificateField>;
