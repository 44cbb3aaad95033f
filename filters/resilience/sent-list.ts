import { Sent } from '../runtime/sent';

/** Requests in the order in which they came. */
export class SentList {
  first: Sent | null = null;
  private last: Sent | null = null;
  size: i32 = 0;

  add(sent: Sent): void {
    const last = this.last;
    sent.ahead = last;
    sent.behind = null;
    if (last == null) this.first = sent;
    else last.behind = sent;
    this.last = sent;
    this.size++;
  }

  remove(sent: Sent): void {
    const ahead = sent.ahead;
    const behind = sent.behind;
    if (ahead == null) this.first = behind;
    else ahead.behind = behind;
    if (behind == null) this.last = ahead;
    else behind.ahead = ahead;
    sent.ahead = null;
    sent.behind = null;
    this.size--;
  }
}
