import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from './button.tsx';

const shownMs = 1_600;

/** Puts the text on the clipboard, and says so for a moment. */
export function CopyButton({
  text,
  label = 'Copy',
  isBare = false,
}: {
  text: string;
  label?: string;
  isBare?: boolean;
}) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    setIsCopied(await copyText(text));
  };
  const icon = isCopied ? <Check aria-hidden /> : <Copy aria-hidden />;
  return (
    <>
      {isBare ? (
        <Button kind="ghost" size="small" label={label} onClick={() => void copy()}>
          {icon}
        </Button>
      ) : (
        <Button size="small" onClick={() => void copy()}>
          {icon}
          {isCopied ? 'Copied' : label}
        </Button>
      )}
      <span className="visually-hidden" role="status">
        {isCopied ? 'Copied' : ''}
      </span>
    </>
  );
}

/** By plain http, except on this very machine, browsers give pages no clipboard but the one that what is selected is copied to. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return true;
  }
  const { activeElement } = document;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  // Within a dialog nothing outside of it can be selected.
  (activeElement?.closest('dialog') ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus();
  return isCopied;
}
