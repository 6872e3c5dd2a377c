/** The event's data has not the form that a profile's body needs. No further attempt can help. */
export class UnsendableEventError extends Error {
  override readonly name = 'UnsendableEventError';
}
