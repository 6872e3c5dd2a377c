import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { ask } from '../../api/client.ts';
import { useEvents } from '../../api/events.ts';
import type { EventSummary, TriedExpressions } from '../../api/types.ts';
import { exactTime } from '../../format/time.ts';
import { Badge } from '../../ui/badge.tsx';
import { Code, Json } from '../../ui/code.tsx';
import { SelectField } from '../../ui/field.tsx';
import type { FormValues } from './form-values.ts';
import styles from './webhooks.module.css';

/** What the form's expressions make of an event that was posted. */
export interface Trial {
  events: readonly EventSummary[];
  eventId: string;
  choose: (eventId: string) => void;
  result: TriedExpressions | undefined;
  problem: string | undefined;
}

/** Asks while an event is chosen and there is an expression. */
export function useExpressionTrial({ profile, filter, transformation }: FormValues): Trial {
  const [eventId, choose] = useState('');
  const events = useEvents({}).data?.pages[0]?.data ?? [];
  const body = useDeferredValue(
    JSON.stringify({
      profile,
      event_id: eventId,
      ...(filter.trim() === '' ? {} : { filter }),
      ...(transformation.trim() === '' ? {} : { transformation }),
    }),
  );
  const tried = useQuery({
    queryKey: ['try-expressions', body],
    queryFn: ({ signal }) =>
      ask<TriedExpressions>('POST', '/v1/webhooks/try-expressions', { body: JSON.parse(body), signal }),
    enabled: eventId !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
  const isTried = eventId !== '';
  return {
    events,
    eventId,
    choose,
    result: isTried ? tried.data : undefined,
    problem: isTried && tried.isError ? tried.error.message : undefined,
  };
}

/** The event, and beside it what is sent of it. */
export function ExpressionTrial({ trial }: { trial: Trial }) {
  const { events, eventId, choose, result, problem } = trial;
  return (
    <>
      <SelectField
        label="Try them on an event"
        value={eventId}
        onChange={(event) => choose(event.target.value)}
        hint={events.length === 0 ? 'None was posted yet' : 'Nothing is sent'}
        error={problem}
      >
        <option value="">Choose an event</option>
        {events.map(({ id, type, created_at }) => (
          <option key={id} value={id}>
            {type}, {exactTime(created_at)}, {id}
          </option>
        ))}
      </SelectField>
      {result !== undefined && (
        <div className={styles.trial}>
          <section>
            <h3>The event</h3>
            <Json value={result.event} label="The event" />
          </section>
          <section>
            <h3>
              What is sent <Verdict of={result} />
            </h3>
            <Outcome of={result} />
          </section>
        </div>
      )}
    </>
  );
}

function Verdict({ of: { filter } }: { of: TriedExpressions }) {
  if (filter === null) return null;
  if (filter.failure !== null) return <Badge tone="bad">The filter fails</Badge>;
  return filter.passes ? (
    <Badge tone="good">Passes the filter</Badge>
  ) : (
    <Badge tone="idle">Filtered out</Badge>
  );
}

function Outcome({ of: { filter, body, transformation } }: { of: TriedExpressions }) {
  if (filter?.passes === false) return <p className={styles.more}>Nothing: the filter keeps it back.</p>;
  if (body === null) return <p className={styles.more}>Nothing: the profile cannot send such an event.</p>;
  if (transformation === null) return <Code text={body} label="What is sent" />;
  if (transformation.body === null) return <p className={styles.more}>Nothing: the transformation fails.</p>;
  return <Code text={transformation.body} label="What is sent" />;
}
