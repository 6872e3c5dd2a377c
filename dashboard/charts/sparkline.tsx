import { counted } from '../format/numbers.ts';
import styles from './chart.module.css';

const height = 28;
const step = 5.5;

/** The last day of a webhook at a glance: a column an hour, as high as there were attempts; what failed is red. */
export function Sparkline({ buckets }: { buckets: readonly { succeeded: number; failed: number }[] }) {
  const most = Math.max(...buckets.map(({ succeeded, failed }) => succeeded + failed), 1);
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const all = buckets.reduce((sum, bucket) => sum + bucket.succeeded, failed);
  const tall = (value: number) => (value === 0 ? 0 : Math.max(2, (value / most) * (height - 2)));
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${buckets.length * step} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${counted(all, 'attempt', 'attempts')} in 24 h, ${failed} failed`}
    >
      {buckets.map((bucket, index) => {
        const bad = tall(bucket.failed);
        const good = tall(bucket.succeeded);
        const shape = { x: index * step, width: 4 };
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: an hour is known by its place
          <g key={index}>
            {good + bad === 0 && (
              <rect {...shape} className={styles.sparkIdle} y={height - 1.5} height={1.5} />
            )}
            {good > 0 && <rect {...shape} className={styles.good} rx={1} y={height - good} height={good} />}
            {bad > 0 && (
              <rect
                {...shape}
                className={styles.bad}
                rx={1}
                y={Math.max(0, height - good - bad)}
                height={bad}
              />
            )}
          </g>
        );
      })}
    </svg>
  );
}
