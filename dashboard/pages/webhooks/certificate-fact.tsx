import type { Webhook } from '../../api/types.ts';
import { Badge } from '../../ui/badge.tsx';
import { Time } from '../../ui/time.tsx';

const dayMs = 86_400_000;
/** So many days before its end a certificate is shown as one that ends soon. */
const soonDays = 30;

/** Whose certificate it is, and until when. */
export function CertificateFact({
  certificate,
}: {
  certificate: NonNullable<Webhook['client_certificate_details']>;
}) {
  const days = (Date.parse(certificate.not_after) - Date.now()) / dayMs;
  return (
    <>
      <span title={`SHA-256 ${certificate.fingerprint}`}>{certificate.subject || 'Without a name'}</span>, by{' '}
      {certificate.issuer || 'nobody named'}, until {certificate.not_after.slice(0, 10)} (
      <Time at={certificate.not_after} />){' '}
      {days <= 0 ? (
        <Badge tone="bad">expired</Badge>
      ) : (
        days <= soonDays && <Badge tone="warn">ends soon</Badge>
      )}
    </>
  );
}
