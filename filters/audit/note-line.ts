import { AuditNote } from './note';

/** Notes that wait, in the order in which they came. */
export class NoteLine {
  first: AuditNote | null = null;
  private last: AuditNote | null = null;

  get isEmpty(): bool {
    return this.first == null;
  }

  /** Time at which the first of them has waited long enough, monotonic nanoseconds. 0: none waits. */
  get nextNanos(): u64 {
    let next: u64 = 0;
    let note = this.first;
    while (note != null) {
      if (next == 0 || note.untilNanos < next) next = note.untilNanos;
      note = note.after;
    }
    return next;
  }

  add(note: AuditNote): void {
    const last = this.last;
    note.before = last;
    note.after = null;
    if (last == null) this.first = note;
    else last.after = note;
    this.last = note;
  }

  remove(note: AuditNote): void {
    const before = note.before;
    const after = note.after;
    if (before == null) this.first = after;
    else before.after = after;
    if (after == null) this.last = before;
    else after.before = before;
    note.before = null;
    note.after = null;
  }

  /** Takes out one that has waited long enough. Null: none has. */
  takeLate(nowNanos: u64): AuditNote | null {
    let note = this.first;
    while (note != null && note.untilNanos > nowNanos) note = note.after;
    if (note != null) this.remove(note);
    return note;
  }

  /** Takes out the first one, if its record has this number or a lower one. */
  takeUpTo(number: u64): AuditNote | null {
    const note = this.first;
    if (note == null || note.number > number) return null;
    this.remove(note);
    return note;
  }

  /** Ends the wait of all whose records have this number or a lower one. */
  lateUpTo(number: u64): void {
    let note = this.first;
    while (note != null && note.number <= number) {
      note.untilNanos = 1;
      note = note.after;
    }
  }
}
