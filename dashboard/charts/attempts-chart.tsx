import type { StatsBucket } from '../api/types.ts';
import { count } from '../format/numbers.ts';
import styles from './chart.module.css';
import { Frame } from './frame.tsx';

/** How many attempts succeeded and failed, one column a bucket. */
export function AttemptsChart({ buckets }: { buckets: readonly StatsBucket[] }) {
  const sum = (of: 'succeeded' | 'failed') => buckets.reduce((total, bucket) => total + bucket[of], 0);
  return (
    <Frame
      label={`Attempts over time: ${count(sum('succeeded'))} succeeded, ${count(sum('failed'))} failed`}
      buckets={buckets}
      most={Math.max(...buckets.map(({ succeeded, failed }) => succeeded + failed), 4)}
      tickText={count}
      draw={({ x, y }, pointed) =>
        buckets.map(({ start, succeeded, failed }, index) => {
          const left = x(index) ?? 0;
          const base = y(0);
          const shape = { x: left, width: x.bandwidth(), rx: Math.min(2.5, x.bandwidth() / 4) };
          return (
            <g key={start} opacity={pointed === undefined || pointed === index ? 1 : 0.55}>
              {succeeded > 0 && (
                <rect {...shape} className={styles.good} y={y(succeeded)} height={base - y(succeeded)} />
              )}
              {failed > 0 && (
                <rect
                  {...shape}
                  className={styles.bad}
                  y={y(succeeded + failed)}
                  height={Math.max(2, y(succeeded) - y(succeeded + failed) - (succeeded > 0 ? 1 : 0))}
                />
              )}
            </g>
          );
        })
      }
      tip={({ succeeded, failed }) => (
        <>
          <div>
            <i className={styles.keyGood} /> Succeeded <b>{count(succeeded)}</b>
          </div>
          <div>
            <i className={styles.keyBad} /> Failed <b>{count(failed)}</b>
          </div>
        </>
      )}
    />
  );
}

export function AttemptsLegend() {
  return (
    <div className={styles.legend}>
      <span>
        <i className={styles.keyGood} /> Succeeded
      </span>
      <span>
        <i className={styles.keyBad} /> Failed
      </span>
    </div>
  );
}
