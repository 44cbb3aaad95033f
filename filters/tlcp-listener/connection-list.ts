// Connections in the order in which they came, so that the oldest can give way.

/** Member of a list, of one at a time. */
export class Listed {
  list: ConnectionList | null = null;
  older: Listed | null = null;
  newer: Listed | null = null;
}

export class ConnectionList {
  oldest: Listed | null = null;
  private newest: Listed | null = null;
  size: i32 = 0;

  /** Adds it as the newest, and takes it out of another list. */
  add(item: Listed): void {
    leaveList(item);
    const before = this.newest;
    item.list = this;
    item.older = before;
    if (before == null) this.oldest = item;
    else before.newer = item;
    this.newest = item;
    this.size++;
  }

  remove(item: Listed): void {
    if (item.list != this) return;
    const older = item.older;
    const newer = item.newer;
    if (older == null) this.oldest = newer;
    else older.newer = newer;
    if (newer == null) this.newest = older;
    else newer.older = older;
    item.list = null;
    item.older = null;
    item.newer = null;
    this.size--;
  }
}

/** Takes it out of its list, if it is in one. */
export function leaveList(item: Listed): void {
  const list = item.list;
  if (list != null) list.remove(item);
}
