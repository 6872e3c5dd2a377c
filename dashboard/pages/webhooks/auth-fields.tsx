import { SelectField, TextAreaField, TextField } from '../../ui/field.tsx';
import type { AccessValues } from './access-values.ts';
import type { FieldsProps } from './webhook-form.tsx';
import styles from './webhooks.module.css';

/** How requests authenticate, beside their signature. */
export function AuthFields({ values, set, problemAt }: FieldsProps) {
  return (
    <>
      <SelectField
        label="Authentication"
        value={values.authType}
        onChange={(event) => set('authType', event.target.value as AccessValues['authType'])}
        hint="Beside the signature, which every request has"
        error={problemAt('/auth/type')}
      >
        <option value="none">None</option>
        <option value="basic">Basic</option>
        <option value="bearer">Bearer token</option>
        <option value="oauth2">OAuth 2 client credentials</option>
      </SelectField>
      {values.authType === 'basic' && (
        <div className={styles.pair}>
          <TextField
            label="User name"
            autoComplete="off"
            value={values.username}
            onChange={(event) => set('username', event.target.value)}
            error={problemAt('/auth/username')}
          />
          <TextField
            label="Password"
            type="password"
            autoComplete="new-password"
            value={values.password}
            onChange={(event) => set('password', event.target.value)}
            error={problemAt('/auth/password')}
          />
        </div>
      )}
      {values.authType === 'bearer' && (
        <TextField
          label="Token"
          type="password"
          autoComplete="off"
          value={values.token}
          onChange={(event) => set('token', event.target.value)}
          error={problemAt('/auth/token')}
        />
      )}
      {values.authType === 'oauth2' && (
        <ClientCredentialsFields values={values} set={set} problemAt={problemAt} />
      )}
    </>
  );
}

function ClientCredentialsFields({ values, set, problemAt }: FieldsProps) {
  return (
    <>
      <TextField
        label="Token URL"
        type="url"
        isMono
        placeholder="https://login.example.com/oauth2/token"
        value={values.tokenUrl}
        onChange={(event) => set('tokenUrl', event.target.value)}
        hint="A token is got here, kept until shortly before it ends, and renewed when the receiver answers 401"
        error={problemAt('/auth/token_url')}
      />
      <div className={styles.pair}>
        <TextField
          label="Client id"
          autoComplete="off"
          value={values.clientId}
          onChange={(event) => set('clientId', event.target.value)}
          error={problemAt('/auth/client_id')}
        />
        <TextField
          label="Client secret"
          type="password"
          autoComplete="new-password"
          value={values.clientSecret}
          onChange={(event) => set('clientSecret', event.target.value)}
          error={problemAt('/auth/client_secret')}
        />
        <TextField
          label="Scopes"
          isOptional
          placeholder="events:write"
          value={values.scope}
          onChange={(event) => set('scope', event.target.value)}
          hint="With blanks between"
          error={problemAt('/auth/scope')}
        />
        <TextField
          label="Audience"
          isOptional
          value={values.audience}
          onChange={(event) => set('audience', event.target.value)}
          error={problemAt('/auth/audience')}
        />
      </div>
      <SelectField
        label="Id and secret go"
        value={values.clientAuthentication}
        onChange={(event) =>
          set('clientAuthentication', event.target.value as AccessValues['clientAuthentication'])
        }
        error={problemAt('/auth/client_authentication')}
      >
        <option value="basic">by HTTP Basic</option>
        <option value="body">in the form</option>
      </SelectField>
      <TextAreaField
        label="Further parameters"
        isOptional
        isMono
        rows={2}
        placeholder="resource=https://api.example.com"
        value={values.parameters}
        onChange={(event) => set('parameters', event.target.value)}
        hint="One a line: name=value"
        error={problemAt('/auth/parameters')}
      />
    </>
  );
}
