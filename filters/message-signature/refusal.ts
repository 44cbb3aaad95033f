// The only place where messages are refused. All signature faults have one reply. The operator sees the reason in a
// counter and a log line.
import { ErrorId } from '../errors.gen';
import { KeyHolder, KeyVerdict } from '../keys/key-holder';
import { Exchange } from '../runtime/exchange';
import { RefusalLog } from '../runtime/refusal-log';
import { Verdict } from '../runtime/stage';
import {
  signatureEarly,
  signatureKeyUnavailable,
  signatureMalformed,
  signatureMissing,
  signatureReplayed,
  signatureStale,
  signatureWrong,
} from './stats';

/** Reason why a signature is not accepted. For counters and the log, never for the sender. */
export const enum Reason {
  /** No signature, or more than one. */
  Missing = 0,
  /** The signature, its time or its nonce cannot be parsed. */
  Malformed = 1,
  /** Its time is too far from now. */
  Stale = 2,
  /** It does not match the message or the key. */
  Wrong = 3,
  /** Its nonce was seen before. */
  Replayed = 4,
  /** It was signed before the period that the store of nonces covers. */
  Early = 5,
}

const refusals: RefusalLog = new RefusalLog('signature-refused', 'FIM-SIG-0001');

/** Refuses with the status and title of `error`. */
export function refuse(exchange: Exchange, error: ErrorId): Verdict {
  exchange.reply.begin(error);
  return Verdict.Reject;
}

/** Waits for a key, or refuses because none is available or the KMS returned one of another kind. */
export function noKey(exchange: Exchange, keys: KeyHolder, verdict: KeyVerdict): Verdict {
  if (verdict == KeyVerdict.Wait) return Verdict.Wait;
  signatureKeyUnavailable.add(1);
  return refuse(exchange, keys.error);
}

/** Refuses a message whose signature is not accepted. */
export function deny(exchange: Exchange, reason: Reason): Verdict {
  switch (reason) {
    case Reason.Missing:
      signatureMissing.add(1);
      refusals.note('missing');
      break;
    case Reason.Malformed:
      signatureMalformed.add(1);
      refusals.note('malformed');
      break;
    case Reason.Stale:
      signatureStale.add(1);
      refusals.note('stale');
      break;
    case Reason.Replayed:
      signatureReplayed.add(1);
      refusals.note('replayed');
      break;
    case Reason.Early:
      signatureEarly.add(1);
      refusals.note('early');
      break;
    default:
      signatureWrong.add(1);
      refusals.note('wrong');
  }
  return refuse(exchange, ErrorId.FIM_SIG_0001);
}
