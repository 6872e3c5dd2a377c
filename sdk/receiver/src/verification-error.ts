/** Why a request was not accepted, for programs. */
export type VerificationFailure =
  /** It has not the headers of the signature. */
  | 'no_signature'
  /** None of its signatures is one by the secrets. */
  | 'wrong_signature'
  /** It is older, or from further in the future, than five minutes: a repeat by somebody else, or a clock that is wrong. */
  | 'wrong_time'
  | 'not_json';

/** The request does not come from whoever has the secret, or not now. Its message holds nothing of the request. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  readonly code: VerificationFailure;

  constructor(code: VerificationFailure, message: string) {
    super(message);
    this.code = code;
  }
}
