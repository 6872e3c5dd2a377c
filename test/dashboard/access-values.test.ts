import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accessBodyOf, accessOf, emptyAccess } from '../../dashboard/pages/webhooks/access-values.ts';

const word = fc.stringMatching(/^[!-<>-~]{1,12}$/);
const auth = fc.oneof(
  fc.constant({ type: 'none' as const }),
  fc.record({ type: fc.constant('basic' as const), username: word, password: fc.constant('•••') }),
  fc.record({ type: fc.constant('bearer' as const), token: fc.constant('•••') }),
  fc.record(
    {
      type: fc.constant('oauth2' as const),
      token_url: word,
      client_id: word,
      client_secret: fc.constant('•••'),
      client_authentication: fc.constantFrom('basic' as const, 'body' as const),
      scope: word,
      audience: word,
      parameters: fc.dictionary(word, fc.constantFrom('•••', 'a=b'), { minKeys: 1, noNullPrototype: true }),
    },
    { requiredKeys: ['type', 'token_url', 'client_id', 'client_secret', 'client_authentication'] },
  ),
);
const certificate = fc.record({ certificate: word, private_key: fc.constant('•••') });

test('a webhook that is shown in the form and sent back is as it was', () => {
  fc.assert(
    fc.property(auth, fc.option(certificate), fc.option(word), (auth, client_certificate, server_ca) => {
      const shown = { auth, client_certificate, server_ca };
      expect(accessBodyOf(accessOf(shown))).toEqual(shown);
    }),
  );
});

test('what is empty is none, and parameters are lines', () => {
  expect(accessBodyOf(emptyAccess)).toEqual({
    auth: { type: 'none' },
    client_certificate: null,
    server_ca: null,
  });
  const values = { ...emptyAccess, authType: 'oauth2' as const, parameters: '\n resource = urn:a=b \n\n' };
  expect(accessBodyOf(values).auth).toMatchObject({ parameters: { resource: 'urn:a=b' } });
  expect(accessBodyOf({ ...values, privateKey: 'key', passphrase: 'open' }).client_certificate).toEqual({
    ...{ certificate: '', private_key: 'key', passphrase: 'open' },
  });
});
