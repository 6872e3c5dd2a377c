import { area, curveMonotoneX, line } from 'd3-shape';
import type { StatsBucket } from '../api/types.ts';
import { percent } from '../format/numbers.ts';
import styles from './chart.module.css';
import { Frame } from './frame.tsx';

/** Which share of the attempts succeeded; where there were none, the line goes straight on. */
export function SuccessChart({ buckets }: { buckets: readonly StatsBucket[] }) {
  const points = buckets.flatMap((bucket, index) => {
    const rate = rateOf(bucket);
    return rate === undefined ? [] : [{ index, rate }];
  });
  return (
    <Frame
      label={labelOf(points)}
      buckets={buckets}
      most={1}
      tickText={(share) => `${Math.round(share * 100)} %`}
      draw={({ x, y }, pointed) => {
        const at = (index: number) => (x(index) ?? 0) + x.bandwidth() / 2;
        const along = line<Point>()
          .x(({ index }) => at(index))
          .y(({ rate }) => y(rate))
          .curve(curveMonotoneX);
        const below = area<Point>()
          .x(({ index }) => at(index))
          .y0(y(0))
          .y1(({ rate }) => y(rate))
          .curve(curveMonotoneX);
        return (
          <>
            {pointed !== undefined && (
              <line className={styles.cursor} x1={at(pointed)} x2={at(pointed)} y1={y(1)} y2={y(0)} />
            )}
            <path className={styles.rateArea} d={below(points) ?? ''} />
            <path className={styles.rate} d={along(points) ?? ''} />
            {points
              .filter(({ index }) => points.length === 1 || index === pointed)
              .map(({ index, rate }) => (
                <circle key={index} className={styles.rate} cx={at(index)} cy={y(rate)} r={2.5} />
              ))}
          </>
        );
      }}
      tip={(bucket) => {
        const rate = rateOf(bucket);
        return (
          <div>
            <i className={styles.keyGood} /> Succeeded <b>{rate === undefined ? '–' : percent(rate)}</b>
          </div>
        );
      }}
    />
  );
}

interface Point {
  index: number;
  rate: number;
}

function rateOf({ succeeded, failed }: StatsBucket): number | undefined {
  return succeeded + failed === 0 ? undefined : succeeded / (succeeded + failed);
}

function labelOf(points: readonly Point[]): string {
  if (points.length === 0) return 'Success rate over time: no attempts';
  const least = Math.min(...points.map(({ rate }) => rate));
  return `Success rate over time, at least ${percent(least)}`;
}
