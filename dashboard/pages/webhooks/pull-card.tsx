import { useStats } from '../../api/stats.ts';
import type { Webhook } from '../../api/types.ts';
import { counted } from '../../format/numbers.ts';
import { duration } from '../../format/time.ts';
import { Card } from '../../ui/card.tsx';
import { Code } from '../../ui/code.tsx';
import { Time } from '../../ui/time.tsx';
import { useRange } from '../overview/range.ts';
import styles from './webhooks.module.css';

/** How many deliveries wait for their consumer, whether it is there, and how it gets them. */
export function PullCard({ webhook }: { webhook: Webhook }) {
  const [range] = useRange();
  const queued = useStats(range, webhook.id).data?.deliveries.queued;
  const { id, pulled_at, lapses_after_s } = webhook;
  return (
    <Card
      title="Pulled by its consumer"
      note={queued === undefined ? undefined : `${counted(queued, 'delivery waits', 'deliveries wait')}`}
    >
      <p className={styles.pulled}>
        {pulled_at === null ? (
          'Nobody has pulled yet.'
        ) : (
          <>
            Its consumer was last there <Time at={pulled_at} />.
          </>
        )}
        {lapses_after_s !== null &&
          ` The webhook is deleted when nobody has pulled for ${duration(lapses_after_s * 1_000)}.`}
      </p>
      <Code
        label="How to receive on this machine"
        text={[
          '# Forward each delivery to a receiver on this machine, as it would be sent:',
          `npx postrider listen --webhook ${id} --forward http://localhost:3000/webhooks/inbox`,
          '',
          '# Or pull and acknowledge yourself:',
          `curl -H "Authorization: Bearer $POSTRIDER_API_KEY" "${window.location.origin}/v1/webhooks/${id}/poll?wait=30"`,
        ].join('\n')}
        asIs
      />
    </Card>
  );
}
