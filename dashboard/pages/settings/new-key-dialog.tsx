import { useState } from 'react';
import { useCreateApiKey } from '../../api/settings.ts';
import { Banner, ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import styles from './settings.module.css';

/** Makes a key, and shows it once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateApiKey();
  const [name, setName] = useState('');
  if (create.data !== undefined) {
    return (
      <Dialog title="The new key" onClose={onClose} footer={<Button onClick={onClose}>Done</Button>}>
        <Banner tone="warn" title="It is shown this once. Copy it now." />
        <div className={styles.secret}>
          <code data-testid="api-key">{create.data.key}</code>
          <CopyButton text={create.data.key} label="Copy the key" isBare />
        </div>
      </Dialog>
    );
  }
  const submit = () => create.mutate({ name: name.trim() });
  return (
    <Dialog
      title="Create an API key"
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={create.isPending} disabled={name.trim() === ''}>
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
      <ProblemBanner error={create.error} />
    </Dialog>
  );
}
