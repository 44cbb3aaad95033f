// The only place where messages are refused. Every failure to open has one reply. The operator sees the reason in a
// counter and a log line.
import { KeyHolder, KeyVerdict } from '../keys/key-holder';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { RefusalLog } from '../runtime/refusal-log';
import { Verdict } from '../runtime/stage';
import { Opening } from './opening';
import { keyUnavailable, keyUnfit, openForeign, openForged, openMalformed, openVersionAbsent } from './stats';

const refusals: RefusalLog = new RefusalLog('open-refused', 'FIM-SM4-0002');

/** Refuses with the status and title of `error`. */
export function refuse(exchange: Exchange, error: ErrorId): Verdict {
  exchange.reply.begin(error);
  return Verdict.Reject;
}

/** Refuses a message that cannot be opened. */
export function cannotOpen(exchange: Exchange, opening: Opening): Verdict {
  if (opening == Opening.NoMemory) return refuse(exchange, ErrorId.FIM_SM4_0003);
  if (opening == Opening.Forged) {
    openForged.add(1);
    refusals.note('tag-wrong');
  } else if (opening == Opening.Foreign) {
    openForeign.add(1);
    refusals.note('foreign-key');
  } else {
    openMalformed.add(1);
    refusals.note('malformed');
  }
  return refuse(exchange, ErrorId.FIM_SM4_0002);
}

/** Waits for a key, or refuses. Only for a version that does not exist the message is at fault. */
export function noKey(exchange: Exchange, keys: KeyHolder, verdict: KeyVerdict): Verdict {
  if (verdict == KeyVerdict.Wait) return Verdict.Wait;
  if (verdict == KeyVerdict.Wrong) return versionAbsent(exchange);
  if (keys.error == ErrorId.FIM_KMS_0009) return unfitKey(exchange);
  keyUnavailable.add(1);
  return refuse(exchange, keys.error);
}

/** Refuses because the KMS's key does not fit the algorithm. */
export function unfitKey(exchange: Exchange): Verdict {
  keyUnfit.add(1);
  return refuse(exchange, ErrorId.FIM_KMS_0009);
}

/** Refuses a message of a version that the KMS does not have. */
function versionAbsent(exchange: Exchange): Verdict {
  openVersionAbsent.add(1);
  refusals.note('version-absent');
  return refuse(exchange, ErrorId.FIM_SM4_0002);
}
