// Records of VMs that are gone. A swap of the module makes new VMs, and the host ends an old one with its last stream,
// whether or not its records were taken. What it still has, it leaves in data that all VMs of the proxy share; the first
// one that looks takes all of it, and sends it in the name of those that wrote it.
//
// The shared value: HEAD_BYTES, so that it is never empty, then for each VM its records' bytes and its name, and each
// record with its length and number.
import { MAX_ESTATE_BYTES, MAX_SWAP_TRIES } from '../limits';
import { Bytes } from '../memory/bytes';
import { hasRoom } from '../memory/room';
import { scratch } from '../memory/scratch';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import { SOURCE_TEXT_BYTES, sourceName } from './identity';
import { Outbox, RECORD_HEAD_BYTES } from './outbox';

const KEY: Bytes = Bytes.from('fim.audit.estate');
const HEAD_BYTES: u32 = 8;
const BLOCK_HEAD_BYTES: u32 = 8 + SOURCE_TEXT_BYTES;
const HEAD: usize = memory.data(8, 8);
const shared: SharedValue = new SharedValue();

/** Makes the shared value, unless it is there. */
export function openEstate(): void {
  createShared(KEY.pointer, KEY.length, HEAD, HEAD_BYTES);
}

/** Leaves what waits in the outbox, and what is left of an estate that this VM took. False: it is lost. */
export function leaveEstate(outbox: Outbox, taken: Estate): bool {
  if (outbox.size == 0 && taken.isEmpty) return true;
  openEstate();
  const own = outbox.size == 0 ? 0 : BLOCK_HEAD_BYTES + outbox.leftBytes;
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!shared.read(KEY.pointer, KEY.length)) return false;
    const before = shared.length;
    const length = before + own + taken.leftBytes;
    if (length > MAX_ESTATE_BYTES) return false;
    const value = scratch.allocate(length);
    if (value == 0) return false;
    memory.copy(value, shared.pointer, before);
    let at = taken.leaveAt(value + before);
    if (own != 0) {
      store<u32>(at, outbox.leftBytes);
      memory.copy(at + 8, sourceName(), SOURCE_TEXT_BYTES);
      at = outbox.leaveAt(at + BLOCK_HEAD_BYTES);
    }
    shared.pointer = value;
    shared.length = length;
    const swapped = shared.swap(KEY.pointer, KEY.length);
    if (swapped != Swap.Lost) return swapped == Swap.Done;
  }
  return false;
}

/** Records that this VM took, in memory of its own until they are acknowledged. */
export class Estate {
  private block: usize = 0;
  private end: usize = 0;
  /** The next record, and where those of its source end. */
  private at: usize = 0;
  private sourceEnd: usize = 0;
  /** Address of the name of the records' source. */
  source: usize = 0;
  /** The last batch: its bytes in scratch memory, its records and their numbers. */
  batch: usize = 0;
  batchBytes: u32 = 0;
  batchRecords: i32 = 0;
  batchFirst: u64 = 0;
  batchLast: u64 = 0;

  get isEmpty(): bool {
    return this.block == 0;
  }

  /** Takes what others have left. False: nothing, or another VM was faster. */
  take(): bool {
    if (!shared.read(KEY.pointer, KEY.length) || shared.length <= HEAD_BYTES) return false;
    const length = shared.length;
    if (!hasRoom(length)) return false;
    const block = heap.alloc(length);
    memory.copy(block, shared.pointer, length);
    shared.length = HEAD_BYTES;
    if (shared.swap(KEY.pointer, KEY.length) != Swap.Done) {
      heap.free(block);
      return false;
    }
    this.block = block;
    this.end = block + length;
    this.at = block + HEAD_BYTES;
    this.enter();
    return true;
  }

  /** Begins with the records of a source. */
  private enter(): void {
    this.source = this.at + 8;
    this.sourceEnd = this.at + BLOCK_HEAD_BYTES + load<u32>(this.at);
    this.at += BLOCK_HEAD_BYTES;
  }

  /** Makes a batch of the next records: at most so many, and so many bytes, but one. False: no memory. */
  fill(records: i32, bytes: u32): bool {
    this.batch = scratch.allocate(max(bytes, load<u32>(this.at)));
    this.batchBytes = 0;
    this.batchRecords = 0;
    if (this.batch == 0) return false;
    this.batchFirst = load<u64>(this.at, 8);
    let at = this.at;
    while (at < this.sourceEnd && this.batchRecords < records) {
      const length = load<u32>(at);
      if (this.batchRecords != 0 && this.batchBytes + length > bytes) break;
      const number = load<u64>(at, 8);
      // A batch has no hole.
      if (this.batchRecords != 0 && number != this.batchLast + 1) break;
      memory.copy(this.batch + this.batchBytes, at + RECORD_HEAD_BYTES, length);
      this.batchBytes += length;
      this.batchLast = number;
      this.batchRecords++;
      at += RECORD_HEAD_BYTES + length;
    }
    return true;
  }

  /** The collector has the records up to the number. Returns how many these were. */
  acknowledge(number: u64): i32 {
    let records = 0;
    while (this.at < this.sourceEnd && load<u64>(this.at, 8) <= number) {
      this.at += RECORD_HEAD_BYTES + load<u32>(this.at);
      records++;
    }
    if (this.at < this.sourceEnd) return records;
    if (this.at < this.end) this.enter();
    else {
      heap.free(this.block);
      this.block = 0;
      this.at = 0;
      this.end = 0;
    }
    return records;
  }

  /** Bytes of what is not acknowledged, as a shared value has it. */
  get leftBytes(): u32 {
    return this.block == 0 ? 0 : BLOCK_HEAD_BYTES + <u32>(this.end - this.at);
  }

  /** Writes it; the address after it. */
  leaveAt(to: usize): usize {
    if (this.block == 0) return to;
    store<u32>(to, <u32>(this.sourceEnd - this.at));
    memory.copy(to + 8, this.source, SOURCE_TEXT_BYTES);
    memory.copy(to + BLOCK_HEAD_BYTES, this.at, this.end - this.at);
    return to + this.leftBytes;
  }
}
