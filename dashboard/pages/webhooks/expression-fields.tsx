import { useState } from 'react';
import type { TriedExpressions } from '../../api/types.ts';
import { TextAreaField } from '../../ui/field.tsx';
import { ExpressionTrial, useExpressionTrial } from './expression-trial.tsx';
import type { FormValues } from './form-values.ts';
import type { SetValue } from './webhook-form.tsx';
import styles from './webhooks.module.css';

type Failure = NonNullable<NonNullable<TriedExpressions['filter']>['failure']>;

/** Which events the webhook gets, and what body it gets of them, both tried on an event that was posted. */
export function ExpressionFields({
  values,
  set,
  problemAt,
}: {
  values: FormValues;
  set: SetValue;
  problemAt: (pointer: string) => string | undefined;
}) {
  const trial = useExpressionTrial(values);
  const refused = { filter: problemAt('/filter'), transformation: problemAt('/transformation') };
  const [isOpen] = useState(values.filter !== '' || values.transformation !== '');
  return (
    <details className={styles.details} open={isOpen}>
      <summary>Filter and transformation</summary>
      <div className={styles.detailsBody}>
        <TextAreaField
          label="Filter"
          isOptional
          isMono
          rows={2}
          spellCheck={false}
          placeholder='data.amount > 100 and channel = "shop"'
          value={values.filter}
          onChange={(event) => set('filter', event.target.value)}
          hint="JSONata over id, type, channel, created_at and data: only events for which it is true are sent"
          error={refused.filter ?? faultOf(trial.result?.filter?.failure)}
        />
        <FaultPlace expression={values.filter} failure={trial.result?.filter?.failure} />
        <TextAreaField
          label="Transformation"
          isOptional
          isMono
          rows={4}
          spellCheck={false}
          placeholder='$merge([$body, {"source": "postrider"}])'
          value={values.transformation}
          onChange={(event) => set('transformation', event.target.value)}
          hint="JSONata over the same; its result is sent in place of the profile’s body, which it knows as $body"
          error={refused.transformation ?? faultOf(trial.result?.transformation?.failure)}
        />
        <FaultPlace expression={values.transformation} failure={trial.result?.transformation?.failure} />
        <ExpressionTrial trial={trial} />
      </div>
    </details>
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
