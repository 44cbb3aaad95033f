// The one place where a message is refused. Every failure of opening has one answer; the reason is for the operator: a counter, and a line in the log.
import { KeyState } from '../keys/key-state';
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

/** Refuses what cannot be opened. */
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

/** What to do without a key of the version (0: whichever there is): wait, or refuse. Only of a version that there is not, the message is at fault. */
export function noKey(exchange: Exchange, state: KeyState, version: u32): Verdict {
  if (state == KeyState.Pending) return Verdict.Wait;
  if (state == KeyState.Retired || (state == KeyState.Absent && version != 0)) return versionAbsent(exchange);
  keyUnavailable.add(1);
  return refuse(exchange, state == KeyState.Expired ? ErrorId.FIM_KMS_0007 : ErrorId.FIM_SM4_0001);
}

/** Refuses because the KMS's key is not for the algorithm. */
export function unfitKey(exchange: Exchange): Verdict {
  keyUnfit.add(1);
  return refuse(exchange, ErrorId.FIM_SM4_0005);
}

/** Refuses a message of a version that the KMS does not have. */
function versionAbsent(exchange: Exchange): Verdict {
  openVersionAbsent.add(1);
  refusals.note('version-absent');
  return refuse(exchange, ErrorId.FIM_SM4_0002);
}
