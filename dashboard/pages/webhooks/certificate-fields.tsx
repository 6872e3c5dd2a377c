import type { ComponentProps } from 'react';
import { TextAreaField, TextField } from '../../ui/field.tsx';
import { FormSection, isAnyWrong } from './form-section.tsx';
import type { FormValues } from './form-values.ts';
import type { FieldsProps } from './webhook-form.tsx';

/** The client certificate that a receiver wants (mTLS), and the authorities of the receiver's own. */
export function CertificateFields({ values, set, problemAt }: FieldsProps) {
  const isNewKey = values.privateKey.includes('-----');
  const problem = problemAt('/client_certificate');
  const keyProblem = problemAt('/client_certificate/private_key');
  const passphraseProblem = problemAt('/client_certificate/passphrase');
  const isOfKey = problem === keyProblem || problem === passphraseProblem;
  return (
    <FormSection
      title="Client certificate (mTLS)"
      note={noteOf(values)}
      isOpen={isAnyWrong(problemAt, '/client_certificate', '/server_ca')}
    >
      <PemField
        label="Certificate"
        rows={4}
        placeholder="-----BEGIN CERTIFICATE-----"
        value={values.certificate}
        onChange={(event) => set('certificate', event.target.value)}
        hint="PEM, with its chain after it"
        error={isOfKey ? undefined : problem}
      />
      <PemField
        label="Private key"
        rows={values.privateKey.includes('\n') ? 4 : 2}
        placeholder="-----BEGIN PRIVATE KEY-----"
        autoComplete="off"
        value={values.privateKey}
        onChange={(event) => set('privateKey', event.target.value)}
        hint="PEM. It is encrypted, and not shown again."
        error={keyProblem}
      />
      {isNewKey && (
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
      <PemField
        label="Authorities of the receiver"
        rows={3}
        placeholder="-----BEGIN CERTIFICATE-----"
        value={values.serverCa}
        onChange={(event) => set('serverCa', event.target.value)}
        hint="PEM: its certificate is held against these instead of the public ones"
        error={problemAt('/server_ca')}
      />
    </FormSection>
  );
}

function PemField(field: ComponentProps<typeof TextAreaField>) {
  return <TextAreaField {...field} isOptional isMono spellCheck={false} wrap="off" />;
}

function noteOf({ certificate, serverCa }: FormValues): string {
  const [hasCertificate, hasAuthorities] = [certificate, serverCa].map((text) => text.trim() !== '');
  if (hasCertificate)
    return hasAuthorities ? 'A certificate and authorities are set' : 'A certificate is set';
  return hasAuthorities ? 'Authorities are set' : 'None';
}
