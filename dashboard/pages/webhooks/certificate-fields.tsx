import { TextAreaField, TextField } from '../../ui/field.tsx';
import type { FieldsProps } from './webhook-form.tsx';
import styles from './webhooks.module.css';

/** The client certificate that a receiver wants (mTLS), and the authorities of the receiver's own. */
export function CertificateFields({ values, set, problemAt }: FieldsProps) {
  const hasKey = values.privateKey.trim() !== '';
  const problem = problemAt('/client_certificate');
  const keyProblem = problemAt('/client_certificate/private_key');
  const passphraseProblem = problemAt('/client_certificate/passphrase');
  const isOfKey = problem === keyProblem || problem === passphraseProblem;
  return (
    <details
      className={styles.details}
      open={problem !== undefined || problemAt('/server_ca') !== undefined || undefined}
    >
      <summary>Client certificate (mTLS)</summary>
      <div className={styles.detailsBody}>
        <TextAreaField
          label="Certificate"
          isOptional
          isMono
          rows={4}
          placeholder="-----BEGIN CERTIFICATE-----"
          spellCheck={false}
          value={values.certificate}
          onChange={(event) => set('certificate', event.target.value)}
          hint="PEM, with its chain after it"
          error={isOfKey ? undefined : problem}
        />
        <TextAreaField
          label="Private key"
          isOptional
          isMono
          rows={values.privateKey.includes('\n') ? 4 : 2}
          placeholder="-----BEGIN PRIVATE KEY-----"
          spellCheck={false}
          autoComplete="off"
          value={values.privateKey}
          onChange={(event) => set('privateKey', event.target.value)}
          hint="PEM. It is encrypted, and not shown again."
          error={keyProblem}
        />
        {hasKey && (
          <TextField
            label="Passphrase of the key"
            isOptional
            type="password"
            autoComplete="new-password"
            value={values.passphrase}
            onChange={(event) => set('passphrase', event.target.value)}
            hint="Used once, and not stored"
            error={passphraseProblem}
          />
        )}
        <TextAreaField
          label="Authorities of the receiver"
          isOptional
          isMono
          rows={3}
          placeholder="-----BEGIN CERTIFICATE-----"
          spellCheck={false}
          value={values.serverCa}
          onChange={(event) => set('serverCa', event.target.value)}
          hint="PEM: its certificate is held against these instead of the public ones"
          error={problemAt('/server_ca')}
        />
      </div>
    </details>
  );
}
