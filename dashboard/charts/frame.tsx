import { type ScaleBand, type ScaleLinear, scaleBand, scaleLinear } from 'd3-scale';
import { type PointerEvent, type ReactNode, useState } from 'react';
import type { StatsBucket } from '../api/types.ts';
import { clockTime } from '../format/time.ts';
import styles from './chart.module.css';
import { useWidth } from './use-width.ts';

const height = 188;
const margin = { top: 10, right: 2, bottom: 24, left: 44 };
const widthPerTick = 84;
const dayMs = 86_400_000;

export interface Scales {
  x: ScaleBand<number>;
  y: ScaleLinear<number, number>;
}

/** Axes, grid and the reading under the pointer, for whatever is drawn over time. */
export function Frame({
  label,
  buckets,
  most,
  tickText,
  draw,
  tip,
}: {
  /** What the chart says, for those who cannot see it. */
  label: string;
  buckets: readonly StatsBucket[];
  /** The largest value that is drawn. */
  most: number;
  tickText: (value: number) => string;
  draw: (scales: Scales, pointed: number | undefined) => ReactNode;
  tip: (bucket: StatsBucket) => ReactNode;
}) {
  const { ref, width } = useWidth<HTMLElement>();
  const [pointed, setPointed] = useState<number>();
  const x = scaleBand(
    buckets.map((_, index) => index),
    [margin.left, Math.max(margin.left, width - margin.right)],
  ).paddingInner(buckets.length > 70 ? 0.12 : 0.26);
  const y = scaleLinear([0, Math.max(most, 1)], [height - margin.bottom, margin.top]).nice(4);
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const at = event.clientX - event.currentTarget.getBoundingClientRect().left - margin.left;
    const index = Math.floor(at / x.step());
    setPointed(index >= 0 && index < buckets.length ? index : undefined);
  };
  const bucket = pointed === undefined ? undefined : buckets[pointed];
  const every = Math.max(1, Math.ceil(buckets.length / Math.max(1, Math.floor(width / widthPerTick))));
  const spansDays = isLong(buckets);
  return (
    <figure ref={ref} className={styles.figure}>
      <svg
        role="img"
        aria-label={label}
        height={height}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        {width > 0 && (
          <>
            {y.ticks(4).map((value) => (
              <g key={value}>
                <line className={styles.grid} x1={margin.left} x2={width} y1={y(value)} y2={y(value)} />
                <text className={styles.tick} x={margin.left - 8} y={y(value)} dy="0.32em" textAnchor="end">
                  {tickText(value)}
                </text>
              </g>
            ))}
            {buckets.map(({ start }, index) =>
              index % every === 0 && index * x.step() < width - 90 ? (
                <text
                  key={start}
                  className={styles.tick}
                  x={x(index)}
                  y={height - 6}
                  textAnchor={index === 0 ? 'start' : 'middle'}
                >
                  {clockTime(start, { withDay: spansDays })}
                </text>
              ) : null,
            )}
            {draw({ x, y }, pointed)}
          </>
        )}
      </svg>
      {bucket !== undefined && pointed !== undefined && (
        <div className={styles.tip} style={placed(x(pointed) ?? 0, width)}>
          <strong>{clockTime(bucket.start, { withDay: true })}</strong>
          {tip(bucket)}
        </div>
      )}
    </figure>
  );
}

function isLong(buckets: readonly StatsBucket[]): boolean {
  const [first, last] = [buckets[0], buckets.at(-1)];
  return (
    first !== undefined && last !== undefined && Date.parse(last.start) - Date.parse(first.start) > 2 * dayMs
  );
}

/** On that side of the pointer where there is room. */
function placed(at: number, width: number) {
  return at < width / 2 ? { left: at + 22 } : { right: width - at + 10 };
}
