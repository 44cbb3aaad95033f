// Records that wait until a collector has them: a ring of lines in one block of memory. Pure: it sends nothing.
//
// Room is reserved when a message comes and used when it ends, so that whoever was let in gets its record written. What
// finds no room is counted as lost; its number is used all the same, and a gap tells of it as soon as there is room.
import { MAX_OUTBOX_BYTES, MAX_OUTBOX_RECORDS } from '../limits';
import { MAX_RECORD_BYTES } from './record.gen';

/** Longest line, its end included. */
const LINE_BYTES: u32 = MAX_RECORD_BYTES + 1;
/** Length and number of a record that is left to another VM, bytes. */
export const RECORD_HEAD_BYTES: u32 = 16;
/** Room that is kept for the records of gaps and of the end, bytes and records. */
const KEPT_BYTES: u32 = 4096;
const KEPT_RECORDS: i32 = 4;

export class Outbox {
  private block: usize = 0;
  /** Where the oldest line begins, and where the next one will, from the block. */
  private head: u32 = 0;
  private tail: u32 = 0;
  /** Where the lines before the turn of the ring end. */
  private turn: u32 = MAX_OUTBOX_BYTES;
  private bytes: u32 = 0;
  /** Of each line that waits, by its place: its length. */
  private readonly lengths: StaticArray<u32>;
  /** Of each line that waits, by its place: its number. */
  private readonly numbers: StaticArray<u64>;
  private first: i32 = 0;
  private count: i32 = 0;
  private reservedBytes: u32 = 0;
  private reservedRecords: i32 = 0;
  /** Number of the next record. */
  next: u64 = 1;
  /** Numbers that were used for nothing: from the first to the last, and how many in all. */
  lostFrom: u64 = 0;
  lostTo: u64 = 0;
  lost: u64 = 0;

  constructor() {
    this.lengths = new StaticArray<u32>(MAX_OUTBOX_RECORDS);
    this.numbers = new StaticArray<u64>(MAX_OUTBOX_RECORDS);
  }

  /** Takes the memory. Once, before anything else. */
  open(): void {
    if (this.block == 0) this.block = heap.alloc(MAX_OUTBOX_BYTES);
  }

  get isOpen(): bool {
    return this.block != 0;
  }

  /** Records that wait. */
  get size(): i32 {
    return this.count;
  }

  /** Bytes of the records that wait. */
  get held(): u32 {
    return this.bytes;
  }

  /** Number of the oldest record that waits. */
  get firstNumber(): u64 {
    return unchecked(this.numbers[this.first]);
  }

  /** Keeps room for one record of at most `bytes`. False: there is none. */
  reserve(bytes: u32): bool {
    if (
      this.bytes + this.reservedBytes + bytes + KEPT_BYTES > this.room ||
      this.count + this.reservedRecords + 1 + KEPT_RECORDS > MAX_OUTBOX_RECORDS
    )
      return false;
    this.reservedBytes += bytes;
    this.reservedRecords++;
    return true;
  }

  /** Gives room back that was reserved. */
  release(bytes: u32): void {
    this.reservedBytes -= bytes;
    this.reservedRecords--;
  }

  /** A line can lie in one piece only: what its turn may waste is no room. */
  private get room(): u32 {
    return MAX_OUTBOX_BYTES - LINE_BYTES;
  }

  /** Whether a line of this length would find room besides what is reserved. `kept`: also that which is kept for gaps. */
  fits(length: u32, kept: bool): bool {
    const bytes: u32 = kept ? 0 : KEPT_BYTES;
    const records = kept ? 0 : KEPT_RECORDS;
    return (
      this.bytes + this.reservedBytes + length + bytes <= this.room &&
      this.count + this.reservedRecords + 1 + records <= MAX_OUTBOX_RECORDS
    );
  }

  /** Appends a line with the number `next`, which goes on. The caller has seen to the room. */
  append(line: usize, length: u32): void {
    if (this.tail + length > MAX_OUTBOX_BYTES) {
      this.turn = this.tail;
      this.tail = 0;
    }
    memory.copy(this.block + this.tail, line, length);
    this.tail += length;
    this.bytes += length;
    const place = (this.first + this.count) % MAX_OUTBOX_RECORDS;
    unchecked((this.lengths[place] = length));
    unchecked((this.numbers[place] = this.next));
    this.count++;
    this.next++;
  }

  /** The next number is used for nothing. */
  lose(): void {
    if (this.lost == 0) this.lostFrom = this.next;
    this.lostTo = this.next;
    this.lost++;
    this.next++;
  }

  /** The loss was told. */
  forgetLoss(): void {
    this.lost = 0;
  }

  /** The oldest line is dropped. */
  dropFirst(): void {
    if (this.count == 0) return;
    const length = unchecked(this.lengths[this.first]);
    this.first = (this.first + 1) % MAX_OUTBOX_RECORDS;
    this.count--;
    this.head += length;
    this.bytes -= length;
    if (this.count == 0) {
      this.head = 0;
      this.tail = 0;
      this.turn = MAX_OUTBOX_BYTES;
    } else if (this.head == this.turn) {
      this.head = 0;
      this.turn = MAX_OUTBOX_BYTES;
    }
  }

  /** Everything up to the number is in safe hands. */
  acknowledge(number: u64): void {
    while (this.count > 0 && this.firstNumber <= number) this.dropFirst();
  }

  /** Address of the oldest line. */
  get pointer(): usize {
    return this.block + this.head;
  }

  /** Bytes of the oldest lines that lie in one piece: at most so many lines and bytes, but one. */
  span(records: i32, bytes: u32): u32 {
    let length: u32 = 0;
    let at = this.head;
    this.spanRecords = 0;
    while (this.spanRecords < min(records, this.count)) {
      const next = unchecked(this.lengths[(this.first + this.spanRecords) % MAX_OUTBOX_RECORDS]);
      if (this.spanRecords > 0 && (length + next > bytes || at == this.turn)) break;
      length += next;
      at += next;
      this.spanRecords++;
    }
    return length;
  }

  /** Bytes of all lines, each with its length and number. */
  get leftBytes(): u32 {
    return this.bytes + <u32>this.count * RECORD_HEAD_BYTES;
  }

  /** Writes all lines, each behind its length and number; the address after them. */
  leaveAt(to: usize): usize {
    let from = this.head;
    for (let i = 0; i < this.count; i++) {
      const place = (this.first + i) % MAX_OUTBOX_RECORDS;
      const length = unchecked(this.lengths[place]);
      if (from == this.turn) from = 0;
      store<u32>(to, length);
      store<u64>(to, unchecked(this.numbers[place]), 8);
      memory.copy(to + RECORD_HEAD_BYTES, this.block + from, length);
      to += RECORD_HEAD_BYTES + length;
      from += length;
    }
    return to;
  }

  /** Lines of the last `span`, and the number of its last one. */
  spanRecords: i32 = 0;

  get spanLast(): u64 {
    return unchecked(this.numbers[(this.first + this.spanRecords - 1) % MAX_OUTBOX_RECORDS]);
  }
}
