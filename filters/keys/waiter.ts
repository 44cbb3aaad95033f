import { Caller } from '../runtime/caller';
import { Direction } from '../runtime/direction';

/** The newest version, whatever its number. */
export const NEWEST: u32 = 0;

/** Direction of a stream that waits for a version of a key. */
export class Waiter {
  contextId: u32 = 0;
  direction: Direction = Direction.Request;
  version: u32 = NEWEST;
  /** Monotonic time, milliseconds. */
  sinceMs: u64 = 0;
  next: Waiter | null = null;
}

/** Waiters in order of arrival. Records are pooled. */
export class WaiterList {
  first: Waiter | null = null;
  private last: Waiter | null = null;
  private spare: Waiter | null = null;
  length: i32 = 0;

  add(caller: Caller, version: u32, sinceMs: u64): void {
    let waiter = this.spare;
    if (waiter == null) waiter = new Waiter();
    else this.spare = waiter.next;
    waiter.contextId = caller.contextId;
    waiter.direction = caller.direction;
    waiter.version = version;
    waiter.sinceMs = sinceMs;
    this.append(waiter);
  }

  /** Appends a waiter that was taken out before. */
  append(waiter: Waiter): void {
    waiter.next = null;
    const last = this.last;
    if (last == null) this.first = waiter;
    else last.next = waiter;
    this.last = waiter;
    this.length++;
  }

  /** Takes all waiters out. */
  takeAll(): Waiter | null {
    const first = this.first;
    this.first = null;
    this.last = null;
    this.length = 0;
    return first;
  }

  /** Returns the record to the pool. */
  recycle(waiter: Waiter): void {
    waiter.next = this.spare;
    this.spare = waiter;
  }

  /** Whether someone waits for the version. */
  waitsFor(version: u32): bool {
    let waiter = this.first;
    while (waiter != null && waiter.version != version) waiter = waiter.next;
    return waiter != null;
  }
}
