import { Fragment, useMemo } from 'react';
import styles from './code.module.css';
import { CopyButton } from './copy-button.tsx';

/** Text as it is, to read and to copy; JSON is indented and coloured unless it is shown `asIs`. */
export function Code({
  text,
  label,
  asIs = false,
  isUnwrapped = false,
}: {
  text: string;
  /** What it is, for those who cannot see it. */
  label: string;
  asIs?: boolean;
  isUnwrapped?: boolean;
}) {
  const shown = useMemo(() => (asIs ? text : indented(text)), [text, asIs]);
  const isJson = shown !== text || /^[[{]/.test(shown);
  return (
    <div className={styles.block}>
      <pre
        className={`${styles.code} ${isUnwrapped ? styles.unwrapped : ''}`}
        aria-label={label}
        tabIndex={0}
        role="region"
      >
        {isJson && !asIs ? <Colored json={shown} /> : shown}
      </pre>
      <div className={styles.copy}>
        <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} isBare />
      </div>
    </div>
  );
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Code text={JSON.stringify(value, null, 2)} label={label} />;
}

function indented(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

/** Beyond that, colours cost more than they give. */
const mostColored = 100_000;
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function Colored({ json }: { json: string }) {
  const parts = useMemo(() => (json.length > mostColored ? [json] : colored(json)), [json]);
  return <>{parts}</>;
}

function colored(json: string) {
  const parts = [];
  let end = 0;
  for (const match of json.matchAll(token)) {
    const [all, text, colon, number] = match;
    if (match.index > end) parts.push(<Fragment key={end}>{json.slice(end, match.index)}</Fragment>);
    const kind = text === undefined ? (number === undefined ? 'word' : 'number') : colon ? 'key' : 'text';
    parts.push(
      <span key={match.index} className={styles[kind]}>
        {text ?? all}
      </span>,
    );
    end = match.index + (text ?? all).length;
  }
  parts.push(<Fragment key={end}>{json.slice(end)}</Fragment>);
  return parts;
}
