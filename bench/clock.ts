/** Milliseconds on a clock that never steps and that all processes of this machine share. Only differences mean anything. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
