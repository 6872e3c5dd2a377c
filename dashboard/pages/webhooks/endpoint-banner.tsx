import { useState } from 'react';
import type { Webhook } from '../../api/types.ts';
import { useRecovery, useWebhookHealth } from '../../api/webhooks.ts';
import { counted } from '../../format/numbers.ts';
import { sentence } from '../../format/words.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Banner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Time } from '../../ui/time.tsx';
import { EnableDialog } from './enable-dialog.tsx';

/** What is the matter with an endpoint, and what to do about it; nothing when it is well. */
export function EndpointBanner({ webhook }: { webhook: Webhook }) {
  return (
    <>
      <StateBanner webhook={webhook} />
      <RecoveryBanner id={webhook.id} />
    </>
  );
}

function words(count: string): [one: string, many: string] {
  return count === 'attempts' ? ['attempt has', 'attempts have'] : ['delivery has', 'deliveries have'];
}

function StateBanner({ webhook }: { webhook: Webhook }) {
  const health = useWebhookHealth(webhook.id);
  const canWrite = useCanWrite();
  const [isEnabling, setIsEnabling] = useState(false);
  const { endpoint_state: state, state_since, state_reason, consecutive_failures } = webhook;
  if (state === 'healthy') return null;
  const why = state_reason ?? health.data?.last_failure?.reason;
  if (state === 'failing') {
    const policy = health.data?.policy;
    const failures = counted(consecutive_failures, 'failure', 'failures');
    // Where deliveries count, an attempt that failed is none yet.
    return (
      <Banner tone="warn" title={consecutive_failures === 0 ? 'Failing' : `Failing: ${failures} in a row`}>
        <p>
          {why && `${sentence(why)}. `}Since <Time at={state_since} />.
          {policy &&
            ` It is disabled when ${counted(policy.failures, ...words(policy.count))} failed in a row.`}
        </p>
      </Banner>
    );
  }
  const held = health.data?.held ?? 0;
  const probe = health.data?.next_probe_at;
  return (
    <Banner
      tone={state === 'probing' ? 'wait' : 'bad'}
      title={
        state === 'probing'
          ? 'Probing: one delivery is out to see whether it is well'
          : 'This endpoint is disabled'
      }
      actions={
        canWrite && (
          <Button kind="primary" onClick={() => setIsEnabling(true)}>
            Re-enable
          </Button>
        )
      }
    >
      <p>
        {why && `${sentence(why)}. `}Since <Time at={state_since} />.{' '}
        {held > 0
          ? `${counted(held, 'delivery is', 'deliveries are')} held for it.`
          : 'What comes for it is held.'}
        {probe && (
          <>
            {' '}
            It is probed <Time at={probe} />.
          </>
        )}
      </p>
      {isEnabling && <EnableDialog webhook={webhook} held={held} onClose={() => setIsEnabling(false)} />}
    </Banner>
  );
}

function RecoveryBanner({ id }: { id: string }) {
  const { data } = useRecovery(id);
  if (data === undefined || (data.state !== 'running' && data.state !== 'paused')) return null;
  const title =
    data.state === 'running' ? 'Sending what was held' : 'Recovery is paused while the endpoint is disabled';
  return (
    <Banner tone="live" title={title}>
      <p>
        {counted(data.sent, 'delivery', 'deliveries')} sent, {data.succeeded} succeeded, {data.failed} failed,{' '}
        {data.left} left.
      </p>
    </Banner>
  );
}
