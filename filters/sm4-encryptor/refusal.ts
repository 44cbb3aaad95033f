// The one place where a message is refused. Every failure of opening has one answer; the reason is for the operator: a counter, and a line in the log.
import { KeyState } from '../keys/key-state';
import { MIN_LOG_INTERVAL_MS } from '../limits';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ErrorId } from '../errors.gen';
import { LogLevel } from '../runtime/abi';
import { Exchange } from '../runtime/exchange';
import { log, monotonicMillis } from '../runtime/host';
import { Verdict } from '../runtime/stage';
import { Opening } from './opening';
import { keyUnavailable, keyUnfit, openForeign, openForged, openMalformed, openVersionAbsent } from './stats';

const line: Writer = new Writer(scratch);
let loggedAtMs: u64 = 0;
let unlogged: u32 = 0;

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
    note('tag-wrong');
  } else if (opening == Opening.Foreign) {
    openForeign.add(1);
    note('foreign-key');
  } else {
    openMalformed.add(1);
    note('malformed');
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
  note('version-absent');
  return refuse(exchange, ErrorId.FIM_SM4_0002);
}

/** At most one line in MIN_LOG_INTERVAL_MS, so that nobody floods the log; `unlogged` counts the refusals since the last one. */
function note(reason: string): void {
  const nowMs = monotonicMillis();
  if (loggedAtMs != 0 && nowMs - loggedAtMs < MIN_LOG_INTERVAL_MS) {
    unlogged++;
    return;
  }
  line.begin(160);
  line.ascii('{"event":"open-refused","code":"FIM-SM4-0002","reason":"');
  line.ascii(reason);
  line.ascii('","unlogged":');
  line.decimal(unlogged);
  line.byte(125);
  log(LogLevel.Warn, line);
  loggedAtMs = nowMs;
  unlogged = 0;
}
