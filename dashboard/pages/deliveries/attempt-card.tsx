import { ChevronRight } from 'lucide-react';
import type { Attempt } from '../../api/types.ts';
import { duration } from '../../format/time.ts';
import { reasonInWords } from '../../format/words.ts';
import { Chip } from '../../ui/badge.tsx';
import { Code } from '../../ui/code.tsx';
import { Time } from '../../ui/time.tsx';
import styles from './deliveries.module.css';

const triggers: Record<Attempt['trigger'], string | undefined> = {
  schedule: undefined,
  manual: 'by hand',
  test: 'test',
  probe: 'probe',
  pull: 'pulled',
};

/** An attempt in one line; opened, what was sent and what came back, to the byte. */
export function AttemptCard({ attempt, isOpen }: { attempt: Attempt; isOpen: boolean }) {
  const { number, trigger, started_at, duration_ms } = attempt;
  const how = triggers[trigger];
  return (
    <details className={styles.attempt} open={isOpen}>
      <summary>
        <ChevronRight className={styles.chevron} aria-hidden />
        <span className={styles.what}>
          Attempt {number}: {outcomeOf(attempt)} {how !== undefined && <Chip>{how}</Chip>}
        </span>
        <span className={styles.meta}>
          <span>{duration(duration_ms)}</span>
          <Time at={started_at} />
        </span>
      </summary>
      <div className={styles.exchange}>
        <section className={styles.part}>
          <div className={styles.partTitle}>
            <h3>Request</h3>
            <span className={styles.to}>
              {attempt.url === null ? 'Pulled by its consumer' : `POST ${attempt.url}`}
            </span>
          </div>
          {attempt.url !== null && <Headers of={attempt.request_headers} />}
          {attempt.request_body === null ? (
            <p className={styles.note}>
              {wasSent(attempt) ? 'The body is no longer kept.' : 'Nothing was sent.'}
            </p>
          ) : (
            <Code text={attempt.request_body} label="Request body" />
          )}
        </section>
        <section className={styles.part}>
          <div className={styles.partTitle}>
            <h3>Response</h3>
            {attempt.response_status !== null && <Chip>{attempt.response_status}</Chip>}
          </div>
          {attempt.response_status === null ? (
            <p className={styles.note}>
              {attempt.detail !== null
                ? `None came: ${attempt.detail}.`
                : attempt.url === null
                  ? 'Its consumer said that it is done.'
                  : 'None came.'}
            </p>
          ) : (
            <>
              {attempt.response_headers && <Headers of={attempt.response_headers} />}
              {attempt.response_body ? (
                <Code text={attempt.response_body} label="Response body" />
              ) : (
                <p className={styles.note}>It had no body.</p>
              )}
              {attempt.response_truncated && <p className={styles.note}>Only the beginning is kept.</p>}
            </>
          )}
        </section>
      </div>
    </details>
  );
}

/** Without headers no request was made. */
function wasSent({ request_headers }: Attempt): boolean {
  return Object.keys(request_headers).length > 0;
}

function outcomeOf({ succeeded, response_status, detail, reason }: Attempt): string {
  if (succeeded) return `succeeded${response_status === null ? '' : ` with ${response_status}`}`;
  return detail ?? (reason === null ? 'failed' : reasonInWords(reason).toLowerCase());
}

function Headers({ of }: { of: Record<string, string> }) {
  const entries = Object.entries(of);
  return (
    <details className={styles.headers}>
      <summary>
        {entries.length} {entries.length === 1 ? 'header' : 'headers'}
      </summary>
      <dl>
        {entries.map(([name, value]) => (
          <HeaderLine key={name} name={name} value={value} />
        ))}
      </dl>
    </details>
  );
}

function HeaderLine({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
