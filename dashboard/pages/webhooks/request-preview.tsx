import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { ask } from '../../api/client.ts';
import type { PreviewedRequest } from '../../api/types.ts';
import { Card } from '../../ui/card.tsx';
import { Code } from '../../ui/code.tsx';
import { Skeleton } from '../../ui/states.tsx';
import { appInboxEvent, bodyOf, type FormValues } from './form-values.ts';
import styles from './webhooks.module.css';

const usualEvent = 'message.delivered';

/** An example of the request as it will be sent: by the very code that sends. */
export function RequestPreview({ values }: { values: FormValues }) {
  const named = values.events.find((event) => !event.includes('*'));
  const event_type = values.profile === 'app-inbox' ? appInboxEvent : (named ?? usualEvent);
  const url = useDeferredValue(values.url.trim());
  const body = {
    profile: values.profile,
    event_type,
    ...(URL.canParse(url) ? { url } : {}),
    ...requestSettings(useDeferredValue(values)),
  };
  const preview = useQuery({
    queryKey: ['preview', body],
    queryFn: ({ signal }) => ask<PreviewedRequest>('POST', '/v1/webhooks/preview', { body, signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <Card title="The request, as it will be sent" note={`An example of ${event_type}`}>
      {preview.data === undefined ? (
        preview.isLoadingError ? (
          <p>{preview.error.message}</p>
        ) : (
          <Skeleton height={240} />
        )
      ) : (
        <>
          <div className={styles.requestLine}>
            <b>{preview.data.method}</b>
            <span>{preview.data.url}</span>
          </div>
          <div className={styles.timeline}>
            <Code
              label="Example headers"
              text={Object.entries(preview.data.headers)
                .map(([name, value]) => `${name}: ${value}`)
                .join('\n')}
              asIs
            />
            <Code label="Example body" text={preview.data.body} />
          </div>
        </>
      )}
    </Card>
  );
}

/** What of the form changes the request beyond its profile. */
function requestSettings(values: FormValues) {
  const { auth, headers, transformation } = bodyOf(values);
  // Nobody asks for a token to show what it would look like hidden.
  const shown = auth.type === 'oauth2' ? { type: 'bearer' as const, token: 'token' } : auth;
  return {
    auth: shown,
    ...(headers === undefined ? {} : { headers }),
    ...(transformation ? { transformation } : {}),
  };
}
