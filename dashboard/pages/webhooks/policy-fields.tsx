import { SelectField, TextField } from '../../ui/field.tsx';
import { FormSection, isAnyWrong } from './form-section.tsx';
import type { FormValues } from './form-values.ts';
import type { SetValue } from './webhook-form.tsx';
import styles from './webhooks.module.css';

/** Retries, time limit, and when the endpoint is disabled: what is empty is as in the profile. */
export function PolicyFields({
  values,
  set,
  problemAt,
  delaysProblem,
}: {
  values: FormValues;
  set: SetValue;
  problemAt: (pointer: string) => string | undefined;
  delaysProblem: string | undefined;
}) {
  const asInProfile = 'As in the profile';
  const { delays, timeoutSeconds, healthFailures, healthCount } = values;
  const hasOwn = [delays, timeoutSeconds, healthFailures, healthCount].some((text) => text !== '');
  return (
    <FormSection
      title={values.isPulled ? 'Retries' : 'Retries and health'}
      note={hasOwn ? 'Its own' : asInProfile}
      isOpen={
        delaysProblem !== undefined ||
        isAnyWrong(problemAt, '/retry_schedule', '/timeout_ms', '/recovery_rate', '/health')
      }
    >
      <TextField
        label="Wait before each attempt"
        isOptional
        placeholder={asInProfile}
        value={values.delays}
        onChange={(event) => set('delays', event.target.value)}
        hint="The first included: 0 s, 30 s, 2 min, 8 min, 32 min, 2 h"
        error={delaysProblem ?? problemAt('/retry_schedule')}
      />
      <div className={styles.pair}>
        <TextField
          label="Time limit in seconds"
          isOptional
          inputMode="decimal"
          placeholder={asInProfile}
          value={values.timeoutSeconds}
          onChange={(event) => set('timeoutSeconds', event.target.value)}
          error={problemAt('/timeout_ms')}
        />
        {!values.isPulled && (
          <>
            <TextField
              label="Recovery rate"
              isOptional
              inputMode="numeric"
              placeholder="20"
              value={values.recoveryRate}
              onChange={(event) => set('recoveryRate', event.target.value)}
              hint="Held deliveries a second"
              error={problemAt('/recovery_rate')}
            />
            <TextField
              label="Disable after so many in a row"
              isOptional
              inputMode="numeric"
              placeholder={asInProfile}
              value={values.healthFailures}
              onChange={(event) => set('healthFailures', event.target.value)}
              error={problemAt('/health/failures')}
            />
            <SelectField
              label="What counts"
              value={values.healthCount}
              onChange={(event) => set('healthCount', event.target.value as FormValues['healthCount'])}
              error={problemAt('/health/count')}
            >
              <option value="">{asInProfile}</option>
              <option value="deliveries">Deliveries that failed for good</option>
              <option value="attempts">Failed attempts</option>
            </SelectField>
          </>
        )}
      </div>
    </FormSection>
  );
}
