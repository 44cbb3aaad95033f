// The one place where a message is refused. Every failure of opening has one answer; the reason is for the operator: a counter, and a line in the log.
import { MIN_LOG_INTERVAL_MS } from '../limits';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ErrorId } from '../errors.gen';
import { LogLevel } from '../runtime/abi';
import { Exchange } from '../runtime/exchange';
import { log, monotonicMillis } from '../runtime/host';
import { Verdict } from '../runtime/stage';
import { Opening } from './opening';
import { openForeign, openForged, openMalformed, openVersionAbsent } from './stats';

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

/** Refuses a message of a version that the KMS does not have. */
export function versionAbsent(exchange: Exchange): Verdict {
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
