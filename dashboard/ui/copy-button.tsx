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
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
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
