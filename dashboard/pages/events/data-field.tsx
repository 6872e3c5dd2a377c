import { useState } from 'react';
import type { ApiProblem } from '../../api/client.ts';
import { parsedObject } from '../../format/parsed-object.ts';
import { TextAreaField } from '../../ui/field.tsx';

/** An event's data as it is typed. */
export interface DataText {
  text: string;
  set: (text: string) => void;
  /** What was wrong when it was last read. */
  problem: string | undefined;
  /** Undefined, with a problem, while it is no JSON object. */
  read: () => Record<string, unknown> | undefined;
}

export function useDataText(initial: () => string): DataText {
  const [text, set] = useState(initial);
  const [problem, setProblem] = useState<string>();
  return {
    ...{ text, set, problem },
    read() {
      const data = parsedObject(text);
      setProblem(data === undefined ? 'This is not a JSON object' : undefined);
      return data;
    },
  };
}

/** `refusal`: what the API said of the event. */
export function DataField({ data, refusal }: { data: DataText; refusal: ApiProblem | undefined }) {
  return (
    <TextAreaField
      label="Data"
      isMono
      rows={10}
      spellCheck={false}
      value={data.text}
      onChange={(event) => data.set(event.target.value)}
      error={data.problem ?? refusal?.field('/data')}
    />
  );
}
