// Loaded before a program (--import): its wall clock goes ahead by CLOCK_STEP_MS, or back where that is negative, at each
// SIGUSR2. Timers go on as they were, as they do when a machine's clock is set.
const stepMs = Number(process.env.CLOCK_STEP_MS);
let aheadMs = 0;

const RealDate = Date;
const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
process.on('SIGUSR2', () => {
  aheadMs += stepMs;
});
