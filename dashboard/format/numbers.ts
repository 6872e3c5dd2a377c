const whole = new Intl.NumberFormat('en-GB');
const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 });

/** "12,480", and "1.2M" where the exact figure says no more. */
export function count(value: number): string {
  return value < 100_000 ? whole.format(value) : short.format(value);
}

/** A share as "99.8 %"; never rounded up to 100. */
export function percent(share: number): string {
  if (share === 1) return '100 %';
  return `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`;
}

/** "1 delivery", "3 deliveries". */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
