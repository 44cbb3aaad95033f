import {
  SIGNATURE_EARLY,
  SIGNATURE_KEY_UNAVAILABLE,
  SIGNATURE_MALFORMED,
  SIGNATURE_MISSING,
  SIGNATURE_REPLAYED,
  SIGNATURE_REPLAY_STORE_FAILED,
  SIGNATURE_REPLAY_STORE_FULL,
  SIGNATURE_SIGNED,
  SIGNATURE_STALE,
  SIGNATURE_VERIFIED,
  SIGNATURE_WRONG,
} from '../metrics.gen';
import { Counter } from '../runtime/metrics';

/** Messages signed, and genuine signatures. */
export const signed: Counter = new Counter(SIGNATURE_SIGNED);
export const verified: Counter = new Counter(SIGNATURE_VERIFIED);
/** Messages refused, by reason. The sender always gets the same reply. */
export const signatureMissing: Counter = new Counter(SIGNATURE_MISSING);
export const signatureMalformed: Counter = new Counter(SIGNATURE_MALFORMED);
export const signatureStale: Counter = new Counter(SIGNATURE_STALE);
export const signatureWrong: Counter = new Counter(SIGNATURE_WRONG);
export const signatureReplayed: Counter = new Counter(SIGNATURE_REPLAYED);
export const signatureEarly: Counter = new Counter(SIGNATURE_EARLY);
/** Messages refused because the store of nonces was full or could not be written. */
export const replayStoreFull: Counter = new Counter(SIGNATURE_REPLAY_STORE_FULL);
export const replayStoreFailed: Counter = new Counter(SIGNATURE_REPLAY_STORE_FAILED);
/** Messages refused because no key was available, or the KMS's key does not fit the algorithm. */
export const signatureKeyUnavailable: Counter = new Counter(SIGNATURE_KEY_UNAVAILABLE);

export function defineSignatureStats(): void {
  signed.define();
  verified.define();
  signatureMissing.define();
  signatureMalformed.define();
  signatureStale.define();
  signatureWrong.define();
  signatureReplayed.define();
  signatureEarly.define();
  replayStoreFull.define();
  replayStoreFailed.define();
  signatureKeyUnavailable.define();
}
