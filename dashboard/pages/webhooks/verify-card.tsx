import { useState } from 'react';
import { Card } from '../../ui/card.tsx';
import { Code } from '../../ui/code.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { verifyCode } from './verify-code.ts';

type Language = keyof typeof verifyCode;

const languages: readonly { value: Language; label: string }[] = [
  { value: 'node', label: 'Node' },
  { value: 'python', label: 'Python' },
  { value: 'go', label: 'Go' },
];

/** How a receiver makes sure that a request is ours. */
export function VerifyCard({ profile }: { profile: string }) {
  const [language, setLanguage] = useState<Language>('node');
  return (
    <Card
      title="Verify requests"
      note={
        profile === 'inbox'
          ? 'By the Standard Webhooks headers; X-Inbox-Signature is sent as well.'
          : 'By the Standard Webhooks headers.'
      }
      action={<Segmented label="Language" value={language} options={languages} onChange={setLanguage} />}
    >
      <Code text={verifyCode[language]} label={`Verification code`} asIs isUnwrapped />
    </Card>
  );
}
