import { condition, defineSignal, patched, setHandler } from '@temporalio/workflow';
import { deliverEvents as deliverEventsBefore } from '../../../workflows/deliver-events.ts';

export * from '../../../workflows/index.ts';

/** Ends the wait that this version has before everything else. */
export const goOn = defineSignal('goOn');

/** As a later version might have changed it: new workflows wait for a signal first. */
export async function deliverEvents(): Promise<unknown> {
  if (patched('waits first')) {
    let mayGoOn = false;
    setHandler(goOn, () => {
      mayGoOn = true;
    });
    await condition(() => mayGoOn);
  }
  return await deliverEventsBefore();
}
