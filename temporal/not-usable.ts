/** Temporal is not as Postrider needs it, and does not become so by itself. The message says what to do. */
export class TemporalNotUsable extends Error {
  override readonly name = 'TemporalNotUsable';
}
