import { useState } from 'react';
import { useCreateApiKey } from '../../api/settings.ts';
import type { Scope } from '../../api/types.ts';
import { useSession } from '../../layout/session-context.ts';
import { Banner, ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { CheckField, FieldGroup, SelectField, TextField } from '../../ui/field.tsx';
import { Secret } from '../../ui/secret.tsx';

const scopeNotes: Record<Scope, string> = {
  'events:write': 'Post events and App Inbox messages',
  'webhooks:read': 'See webhooks, deliveries and events',
  'webhooks:write': 'Change webhooks; retry, cancel and send again',
  admin: 'Manage keys, portal links and accounts',
};

const lives = [
  { days: 0, words: 'Never' },
  { days: 30, words: 'In 30 days' },
  { days: 90, words: 'In 90 days' },
  { days: 365, words: 'In a year' },
];

const dayMs = 86_400_000;

/** Makes a key that may do so much and no more, and shows it once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateApiKey();
  const session = useSession();
  const [name, setName] = useState('');
  const [days, setDays] = useState(0);
  const [scopes, setScopes] = useState<readonly Scope[]>(['events:write', 'webhooks:read', 'webhooks:write']);
  if (create.data !== undefined) {
    return (
      <Dialog title="The new key" onClose={onClose} footer={<Button onClick={onClose}>Done</Button>}>
        <Banner tone="warn" title="It is shown this once. Copy it now." />
        <Secret text={create.data.key} what="key" testId="api-key" />
      </Dialog>
    );
  }
  const offered = (Object.keys(scopeNotes) as Scope[]).filter(
    (scope) => scope !== 'admin' || session.scopes.includes('admin'),
  );
  const submit = () =>
    create.mutate({
      name: name.trim(),
      scopes: [...scopes],
      ...(days === 0 ? {} : { expires_at: new Date(Date.now() + days * dayMs).toISOString() }),
    });
  return (
    <Dialog
      title="Create an API key"
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button
            type="submit"
            kind="primary"
            isBusy={create.isPending}
            disabled={name.trim() === '' || scopes.length === 0}
          >
            Create key
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        required
        maxLength={100}
        placeholder="Campaign server"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <FieldGroup label="What it may do">
        {offered.map((scope) => (
          <CheckField
            key={scope}
            checked={scopes.includes(scope)}
            onChange={(event) =>
              setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((held) => held !== scope))
            }
            label={<code>{scope}</code>}
            hint={scopeNotes[scope]}
          />
        ))}
      </FieldGroup>
      <SelectField label="It ends" value={days} onChange={(event) => setDays(Number(event.target.value))}>
        {lives.map((life) => (
          <option key={life.days} value={life.days}>
            {life.words}
          </option>
        ))}
      </SelectField>
      <ProblemBanner error={create.error} />
    </Dialog>
  );
}
