// Log lines for the operator with the reasons of refusals, which the sender is not told.
import { MIN_LOG_INTERVAL_MS } from '../limits';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { LogLevel } from './abi';
import { log, monotonicMillis } from './host';

const line: Writer = new Writer(scratch);

/**
 * Writes at most one line in MIN_LOG_INTERVAL_MS, so that nobody can flood the log. `unlogged` counts the refusals
 * since the last one.
 */
export class RefusalLog {
  private loggedAtMs: u64 = 0;
  private unlogged: u32 = 0;

  /** `event`: name of the line. `code`: of the refusal. */
  constructor(
    private readonly event: string,
    private readonly code: string,
  ) {}

  /** Records a refusal. `reason` is a fixed word, never from the message. */
  note(reason: string): void {
    const nowMs = monotonicMillis();
    if (this.loggedAtMs != 0 && nowMs - this.loggedAtMs < MIN_LOG_INTERVAL_MS) {
      this.unlogged++;
      return;
    }
    line.begin(160);
    line.ascii('{"event":"');
    line.ascii(this.event);
    line.ascii('","code":"');
    line.ascii(this.code);
    line.ascii('","reason":"');
    line.ascii(reason);
    line.ascii('","unlogged":');
    line.decimal(this.unlogged);
    line.byte(125);
    log(LogLevel.Warn, line);
    this.loggedAtMs = nowMs;
    this.unlogged = 0;
  }
}
