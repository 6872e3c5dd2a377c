import { SelectField, TextField } from '../../ui/field.tsx';
import { FormSection, isAnyWrong } from './form-section.tsx';
import type { FormValues } from './form-values.ts';
import type { FieldsProps } from './webhook-form.tsx';

/** Whether deliveries wait for each other, and what happens when one fails for good. */
export function OrderFields({ values, set, problemAt }: FieldsProps) {
  const pointerProblem = problemAt('/ordering/fifo_by') ?? problemAt('/ordering');
  return (
    <FormSection
      title="Order"
      note={noteOf(values)}
      isOpen={isAnyWrong(problemAt, '/ordering', '/on_failure')}
    >
      <SelectField
        label="Deliveries go out"
        value={values.order}
        onChange={(event) => set('order', event.target.value as FormValues['order'])}
      >
        <option value="none">At once, in no order</option>
        <option value="fifo">One after the other, in the order of their events</option>
        <option value="fifo_by">In order where a value of the event is the same</option>
      </SelectField>
      {values.order === 'fifo_by' && (
        <TextField
          label="Where that value is"
          placeholder="/data/conversation_id"
          value={values.orderPointer}
          onChange={(event) => set('orderPointer', event.target.value)}
          hint="A JSON Pointer into the event: its id, type, channel and data"
          error={pointerProblem}
        />
      )}
      {values.order !== 'none' && (
        <SelectField
          label="When one fails for good"
          value={values.onFailure}
          onChange={(event) => set('onFailure', event.target.value as FormValues['onFailure'])}
          error={problemAt('/on_failure')}
        >
          <option value="skip">Go on with the next</option>
          <option value="block">Stop: disable the endpoint, and hold those behind it</option>
        </SelectField>
      )}
    </FormSection>
  );
}

function noteOf({ order, orderPointer }: FormValues): string {
  if (order === 'fifo_by') return `By ${orderPointer || 'a value of the event'}`;
  return order === 'fifo' ? 'In the order of events' : 'None';
}
