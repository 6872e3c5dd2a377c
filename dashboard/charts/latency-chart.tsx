import { area, curveMonotoneX, line } from 'd3-shape';
import type { StatsBucket } from '../api/types.ts';
import { duration } from '../format/time.ts';
import styles from './chart.module.css';
import { Frame } from './frame.tsx';

/** How long attempts took: half of them at most p50, nineteen of twenty at most p95. */
export function LatencyChart({ buckets }: { buckets: readonly StatsBucket[] }) {
  return (
    <Frame
      label="How long attempts took over time, p50 and p95"
      buckets={buckets}
      most={Math.max(...buckets.map(({ p95_ms }) => p95_ms ?? 0), 50)}
      tickText={duration}
      draw={({ x, y }, pointed) => {
        const at = (index: number) => (x(index) ?? 0) + x.bandwidth() / 2;
        const points = buckets
          .map(({ p50_ms, p95_ms }, index) => ({ index, p50_ms, p95_ms }))
          .filter((point): point is Point => point.p50_ms !== null && point.p95_ms !== null);
        const along = line<Point>()
          .x(({ index }) => at(index))
          .curve(curveMonotoneX);
        const below = area<Point>()
          .x(({ index }) => at(index))
          .y0(y(0))
          .y1(({ p95_ms }) => y(p95_ms))
          .curve(curveMonotoneX);
        const lone = points.length === 1;
        return (
          <>
            {pointed !== undefined && (
              <line className={styles.cursor} x1={at(pointed)} x2={at(pointed)} y1={y.range()[1]} y2={y(0)} />
            )}
            <path className={styles.slowArea} d={below(points) ?? ''} />
            <path className={styles.slow} d={along.y(({ p95_ms }) => y(p95_ms))(points) ?? ''} />
            <path className={styles.median} d={along.y(({ p50_ms }) => y(p50_ms))(points) ?? ''} />
            {points
              .filter(({ index }) => lone || index === pointed)
              .map(({ index, p50_ms, p95_ms }) => (
                <g key={index}>
                  <circle className={styles.slow} cx={at(index)} cy={y(p95_ms)} r={2.5} />
                  <circle className={styles.median} cx={at(index)} cy={y(p50_ms)} r={2.5} />
                </g>
              ))}
          </>
        );
      }}
      tip={({ p50_ms, p95_ms }) => (
        <>
          <div>
            <i className={styles.keyMedian} /> p50 <b>{p50_ms === null ? '–' : duration(p50_ms)}</b>
          </div>
          <div>
            <i className={styles.keySlow} /> p95 <b>{p95_ms === null ? '–' : duration(p95_ms)}</b>
          </div>
        </>
      )}
    />
  );
}

interface Point {
  index: number;
  p50_ms: number;
  p95_ms: number;
}

export function LatencyLegend() {
  return (
    <div className={styles.legend}>
      <span>
        <i className={styles.keyMedian} /> p50
      </span>
      <span>
        <i className={styles.keySlow} /> p95
      </span>
    </div>
  );
}
