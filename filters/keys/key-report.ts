// Reports problems of a key once: a line in the log and a count for each key and reason.
import { MIN_KEY_REPORT_MS } from '../limits';
import { errorCode, errorCodeLength } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { LogLevel } from '../runtime/abi';
import { log } from '../runtime/host';
import { KeyState, errorOf } from './key-state';
import { countUnavailable, reasonOf } from './stats';

const line: Writer = new Writer(scratch);

export class KeyReport {
  /** Reported reasons, one bit each, and the time of the last report. */
  private told: u32 = 0;
  private toldAtMs: u64 = 0;

  constructor(private readonly id: Bytes) {}

  /**
   * A look-up returned no key. The same reason is reported again only after the key was available for
   * MIN_KEY_REPORT_MS.
   */
  lost(state: KeyState, nowMs: u64): void {
    countUnavailable(state);
    const bit: u32 = 1 << (<u32>state);
    if ((this.told & bit) != 0) return;
    this.told |= bit;
    this.toldAtMs = nowMs;
    const error = errorOf(state);
    line.begin(320 + this.id.length);
    line.ascii('{"event":"key-unavailable","key":"');
    line.bytes(this.id.pointer, this.id.length);
    line.ascii('","reason":"');
    line.ascii(reasonOf(state));
    line.ascii('","code":"');
    line.bytes(errorCode(error), errorCodeLength(error));
    line.ascii('"}');
    log(LogLevel.Warn, line);
  }

  /** A look-up returned the key. */
  found(nowMs: u64): void {
    if (this.told == 0 || nowMs - this.toldAtMs < MIN_KEY_REPORT_MS) return;
    this.told = 0;
    line.begin(128 + this.id.length);
    line.ascii('{"event":"key-available","key":"');
    line.bytes(this.id.pointer, this.id.length);
    line.ascii('"}');
    log(LogLevel.Info, line);
  }
}
