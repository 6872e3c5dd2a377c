import { useState } from 'react';
import { ApiProblem } from '../../api/client.ts';
import { useDescribeEventType } from '../../api/settings.ts';
import type { EventType } from '../../api/types.ts';
import { parsedObject } from '../../format/parsed-object.ts';
import { ProblemBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextAreaField, TextField } from '../../ui/field.tsx';
import { useSay } from '../../ui/toasts.tsx';

const noObject = 'This is not a JSON object';

/** Describes an event type: an example for tests, a JSON Schema that data must fit. */
export function EventTypeDialog({ type, onClose }: { type?: EventType; onClose: () => void }) {
  const describe = useDescribeEventType();
  const say = useSay();
  const [name, setName] = useState(type?.name ?? '');
  const [description, setDescription] = useState(type?.description ?? '');
  const [example, setExample] = useState(textOf(type?.example));
  const [schema, setSchema] = useState(textOf(type?.schema));
  const [exampleValue, schemaValue] = [objectIn(example), objectIn(schema)];
  const submit = () => {
    if (exampleValue === undefined || schemaValue === undefined) return;
    describe.mutate(
      { name: name.trim(), description, example: exampleValue, schema: schemaValue },
      {
        onSuccess: () => {
          say.done('The event type is described');
          onClose();
        },
      },
    );
  };
  const problem = describe.error instanceof ApiProblem ? describe.error : undefined;
  return (
    <Dialog
      title={type === undefined ? 'Describe an event type' : type.name}
      isWide
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" kind="primary" isBusy={describe.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </>
      }
    >
      {type === undefined && (
        <TextField
          label="Name"
          isMono
          placeholder="message.delivered"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
      <TextField
        label="Description"
        value={description}
        maxLength={1_000}
        onChange={(event) => setDescription(event.target.value)}
        error={problem?.field('/description')}
      />
      <TextAreaField
        label="Example data"
        isOptional
        isMono
        spellCheck={false}
        value={example}
        onChange={(event) => setExample(event.target.value)}
        error={exampleValue === undefined ? noObject : problem?.field('/example')}
      />
      <TextAreaField
        label="JSON Schema"
        isOptional
        isMono
        spellCheck={false}
        value={schema}
        onChange={(event) => setSchema(event.target.value)}
        hint="Events whose data does not fit are refused."
        error={schemaValue === undefined ? noObject : problem?.field('/schema')}
      />
      <ProblemBanner error={describe.error} />
    </Dialog>
  );
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : JSON.stringify(value, null, 2);
}

/** Null for no text, undefined for what is no JSON object. */
function objectIn(text: string): Record<string, unknown> | null | undefined {
  return text.trim() === '' ? null : parsedObject(text);
}
