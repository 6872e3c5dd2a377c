import { DatabaseUnavailable } from '../db/errors.ts';

/**
 * The answer, if it comes within `ms`; once the time is up nobody waits for it any more, whatever it is.
 * @throws DatabaseUnavailable
 */
export async function withinDeadline<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseUnavailable('The database did not answer in time')), ms);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
