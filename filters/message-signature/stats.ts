import { Counter } from '../runtime/metrics';

/** Messages signed, and genuine signatures. */
export const signed: Counter = new Counter('fim.signature.signed');
export const verified: Counter = new Counter('fim.signature.verified');
/** Messages refused, by reason. The sender always gets the same reply. */
export const signatureMissing: Counter = new Counter('fim.signature.missing');
export const signatureMalformed: Counter = new Counter('fim.signature.malformed');
export const signatureStale: Counter = new Counter('fim.signature.stale');
export const signatureWrong: Counter = new Counter('fim.signature.wrong');
export const signatureReplayed: Counter = new Counter('fim.signature.replayed');
export const signatureEarly: Counter = new Counter('fim.signature.early');
/** Messages refused because the store of nonces was full or could not be written. */
export const replayStoreFull: Counter = new Counter('fim.signature.replay_store_full');
export const replayStoreFailed: Counter = new Counter('fim.signature.replay_store_failed');
/** Messages refused because no key was available, or the KMS's key does not fit the algorithm. */
export const signatureKeyUnavailable: Counter = new Counter('fim.signature.key_unavailable');

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
