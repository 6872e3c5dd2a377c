import { type ComponentProps, useState } from 'react';
import type { TriedExpressions } from '../../api/types.ts';
import { TextAreaField } from '../../ui/field.tsx';
import { ExpressionTrial, useExpressionTrial } from './expression-trial.tsx';
import { FormSection, isAnyWrong } from './form-section.tsx';
import type { FormValues } from './form-values.ts';
import type { FieldsProps } from './webhook-form.tsx';
import styles from './webhooks.module.css';

type Failure = NonNullable<NonNullable<TriedExpressions['filter']>['failure']>;

/** Which events the webhook gets, and what body it gets of them, both tried on an event that was posted. */
export function ExpressionFields({ values, set, problemAt }: FieldsProps) {
  const trial = useExpressionTrial(values);
  const [hasSome] = useState(values.filter !== '' || values.transformation !== '');
  const isRefused = isAnyWrong(problemAt, '/filter', '/transformation');
  return (
    <FormSection title="Filter and transformation" note={noteOf(values)} isOpen={hasSome || isRefused}>
      <ExpressionField
        label="Filter"
        rows={2}
        placeholder='data.amount > 100 and channel = "shop"'
        value={values.filter}
        onChange={(event) => set('filter', event.target.value)}
        hint="JSONata over id, type, channel, created_at and data: only events for which it is true are sent"
        refused={problemAt('/filter')}
        failure={trial.result?.filter?.failure}
      />
      <ExpressionField
        label="Transformation"
        rows={4}
        placeholder='$merge([$body, {"source": "postrider"}])'
        value={values.transformation}
        onChange={(event) => set('transformation', event.target.value)}
        hint="JSONata over the same; its result is sent in place of the profile’s body, which it knows as $body"
        refused={problemAt('/transformation')}
        failure={trial.result?.transformation?.failure}
      />
      <ExpressionTrial trial={trial} />
    </FormSection>
  );
}

function noteOf({ filter, transformation }: FormValues): string {
  const [hasFilter, hasTransformation] = [filter, transformation].map((text) => text.trim() !== '');
  if (hasFilter) return hasTransformation ? 'Both are set' : 'A filter is set';
  return hasTransformation ? 'A transformation is set' : 'None';
}

/** An expression, with what is wrong with it: what the API said of it last, or what came of trying it. */
function ExpressionField({
  refused,
  failure,
  ...field
}: Pick<ComponentProps<typeof TextAreaField>, 'label' | 'rows' | 'placeholder' | 'onChange' | 'hint'> & {
  value: string;
  refused: string | undefined;
  failure: Failure | null | undefined;
}) {
  return (
    <>
      <TextAreaField {...field} isOptional isMono spellCheck={false} error={refused ?? faultOf(failure)} />
      <FaultPlace expression={field.value} failure={failure} />
    </>
  );
}

function faultOf(failure: Failure | null | undefined): string | undefined {
  if (failure == null) return undefined;
  return failure.position === null ? failure.message : `At character ${failure.position}: ${failure.message}`;
}

/** The line of an expression in which it fails, and where in it. */
function FaultPlace({ expression, failure }: { expression: string; failure: Failure | null | undefined }) {
  if (failure?.position == null || failure.position > expression.length) return null;
  const before = expression.slice(0, failure.position);
  const begin = before.lastIndexOf('\n') + 1;
  const [line = ''] = expression.slice(begin).split('\n');
  const column = Math.max(0, before.length - begin - 1);
  return (
    <pre className={styles.fault} aria-hidden>
      {line}
      {'\n'}
      {' '.repeat(column)}▲
    </pre>
  );
}
