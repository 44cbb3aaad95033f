// Some of the differences between a shadow and the policy in force, by code and path and never by value: kept in shared
// data, so that whichever worker is asked tells those of all.
import { ErrorId, errorCode, errorCodeLength } from '../errors.gen';
import { MAX_SHADOW_PATH_BYTES, MAX_SHADOW_SAMPLES, MAX_SWAP_TRIES } from '../limits';
import { Bytes, equalBytes, hashBytes64 } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Difference, nameOf } from './shadow-counters';
import { SharedValue, Swap, createShared } from './shared-data';

const KEY: Bytes = Bytes.from('fim.shadow.samples');
const LINE_END: u8 = 10;
const BLANK: u8 = 32;

const line: Writer = new Writer(scratch);
const text: Writer = new Writer(scratch);
const shared: SharedValue = new SharedValue();

/** The value is a line with the release, then one line for each sample: difference, code, path. */
class ShadowSamples {
  private release: Bytes = Bytes.EMPTY;
  /** Hashes of the samples that this worker has written. */
  private readonly known: StaticArray<u64> = new StaticArray<u64>(MAX_SHADOW_SAMPLES);
  private count: i32 = 0;

  note(release: Bytes, difference: Difference, code: ErrorId, path: usize, pathLength: u32): void {
    if (!this.release.equals(release.pointer, release.length)) {
      this.release = release;
      this.count = 0;
    }
    if (this.count == MAX_SHADOW_SAMPLES) return;
    line.begin(MAX_SHADOW_PATH_BYTES + 64);
    line.ascii(nameOf(difference));
    line.byte(BLANK);
    line.bytes(errorCode(code), errorCodeLength(code));
    line.byte(BLANK);
    line.bytes(path, min(pathLength, MAX_SHADOW_PATH_BYTES));
    line.byte(LINE_END);
    if (line.overflowed) return;
    const hash = hashBytes64(line.pointer, line.length);
    for (let i = 0; i < this.count; i++) if (unchecked(this.known[i]) == hash) return;
    unchecked((this.known[this.count++] = hash));
    for (let i = 0; i < MAX_SWAP_TRIES; i++) if (this.write()) return;
  }

  /** Writes `line` besides what others wrote. False: somebody else wrote meanwhile. */
  private write(): bool {
    const known = shared.read(KEY.pointer, KEY.length);
    const release = this.release;
    text.begin(1024);
    text.bytes(release.pointer, release.length);
    text.byte(LINE_END);
    if (known && this.isOfRelease()) {
      let lines = -1;
      for (let at: u32 = 0; at < shared.length; at++) if (load<u8>(shared.pointer + at) == LINE_END) lines++;
      if (lines >= MAX_SHADOW_SAMPLES || this.holdsLine()) return true;
      text.begin(shared.length + line.length);
      text.bytes(shared.pointer, shared.length);
    }
    text.bytes(line.pointer, line.length);
    if (text.overflowed) return true;
    if (!known) return createShared(KEY.pointer, KEY.length, text.pointer, text.length) && this.holdsLineNow();
    shared.pointer = text.pointer;
    shared.length = text.length;
    return shared.swap(KEY.pointer, KEY.length) != Swap.Lost;
  }

  private isOfRelease(): bool {
    const length = this.release.length;
    return (
      shared.length > length &&
      this.release.equals(shared.pointer, length) &&
      load<u8>(shared.pointer + length) == LINE_END
    );
  }

  /** Whether the value has `line`: each begins behind the end of another. */
  private holdsLine(): bool {
    const length = line.length;
    for (let at: u32 = this.release.length + 1; at + length <= shared.length; at++) {
      if (load<u8>(shared.pointer + at - 1) == LINE_END && equalBytes(shared.pointer + at, line.pointer, length))
        return true;
    }
    return false;
  }

  private holdsLineNow(): bool {
    return shared.read(KEY.pointer, KEY.length) && this.holdsLine();
  }
}

export const shadowSamples: ShadowSamples = new ShadowSamples();

/** The value in memory of the call; false: there is none. */
export function readSamples(value: SharedValue): bool {
  return value.read(KEY.pointer, KEY.length);
}
