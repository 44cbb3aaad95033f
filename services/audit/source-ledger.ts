import { AUDIT_SOURCE_IDLE_MS, MAX_AUDIT_HOLES, MAX_AUDIT_HOLES_OF_ALL, MAX_AUDIT_SOURCES } from '../limits.ts';

/** Numbers that are missing, first and last. */
export type Hole = [from: number, to: number];

interface Source {
  /** The highest number that came. */
  high: number;
  holes: Hole[];
  /** When the last one came, milliseconds. */
  seen: number;
  /** When the first hole was made that nobody was told of, milliseconds. 0: none. */
  since: number;
  /** Number up to which holes were told. */
  told: number;
}

/** A source as a segment's first record names it: the highest number, holes, and when it was last seen. */
export type SourceState = [high: number, holes: Hole[], seen: number];

/** Relation of a number to a ledger. */
export type Standing = 'new' | 'known' | 'crowded' | 'torn';

/** Which numbers of which sources the log has. */
export class SourceLedger {
  private readonly sources = new Map<string, Source>();
  private holes = 0;

  get size(): number {
    return this.sources.size;
  }

  /** Without a change: `crowded` is a source too many, `torn` one with too many holes. */
  standing(source: string, seq: number): Standing {
    const known = this.sources.get(source);
    if (known === undefined) return this.sources.size < MAX_AUDIT_SOURCES ? 'new' : 'crowded';
    const isFull = known.holes.length >= MAX_AUDIT_HOLES || this.holes >= MAX_AUDIT_HOLES_OF_ALL;
    if (seq > known.high) return seq > known.high + 1 && isFull ? 'torn' : 'new';
    const hole = known.holes.find(([from, to]) => from <= seq && seq <= to);
    if (hole === undefined) return 'known';
    return isFull && hole[0] < seq && seq < hole[1] ? 'torn' : 'new';
  }

  /** Notes a number that is in the log now. Whether it was new. */
  add(source: string, seq: number, now: number): boolean {
    const known = this.sources.get(source) ?? { high: 0, holes: [], seen: now, since: 0, told: 0 };
    this.sources.set(source, known);
    known.seen = now;
    if (seq > known.high) {
      if (seq > known.high + 1) {
        known.holes.push([known.high + 1, seq - 1]);
        this.holes++;
        if (known.since === 0) known.since = now;
      }
      known.high = seq;
      return true;
    }
    const at = known.holes.findIndex(([from, to]) => from <= seq && seq <= to);
    if (at < 0) return false;
    const [from, to] = known.holes[at]!;
    const left: Hole[] = [];
    if (from < seq) left.push([from, seq - 1]);
    if (seq < to) left.push([seq + 1, to]);
    known.holes.splice(at, 1, ...left);
    this.holes += left.length - 1;
    if (known.holes.length === 0) known.since = 0;
    return true;
  }

  /** The number up to and with which everything of a source is there. */
  completeTo(source: string): number {
    const known = this.sources.get(source);
    return known === undefined ? 0 : (known.holes[0]?.[0] ?? known.high + 1) - 1;
  }

  highOf(source: string): number {
    return this.sources.get(source)?.high ?? 0;
  }

  /** Holes that are older than `graceMs`, each once. */
  takeOverdue(now: number, graceMs: number): { source: string; holes: readonly Hole[] }[] {
    const found: { source: string; holes: readonly Hole[] }[] = [];
    for (const [source, known] of this.sources) {
      if (known.since === 0 || now - known.since < graceMs) continue;
      const holes = known.holes.filter(([from]) => from > known.told);
      this.tell(source);
      found.push({ source, holes: holes.map(([from, to]) => [from, to]) });
    }
    return found;
  }

  /** Notes that the holes of a source are written down. */
  tell(source: string): void {
    const known = this.sources.get(source);
    if (known === undefined) return;
    known.since = 0;
    known.told = known.high;
  }

  /** Forgets sources that have been silent for long. */
  forget(now: number): void {
    for (const [source, { seen, holes }] of this.sources) {
      if (now - seen <= AUDIT_SOURCE_IDLE_MS) continue;
      this.sources.delete(source);
      this.holes -= holes.length;
    }
  }

  state(): Record<string, SourceState> {
    return Object.fromEntries(
      [...this.sources].map(([source, { high, holes, seen }]) => [source, [high, holes.map(([a, b]) => [a, b]), seen]]),
    );
  }

  /** Takes a state back. Holes in it were told of already. False: it is malformed. */
  restore(state: unknown): boolean {
    if (typeof state !== 'object' || state === null) return false;
    for (const [source, entry] of Object.entries(state as Record<string, unknown>)) {
      if (!Array.isArray(entry)) return false;
      const [high, holes, seen] = entry as unknown[];
      if (typeof high !== 'number' || typeof seen !== 'number' || !Array.isArray(holes)) return false;
      if (!holes.every((hole) => Array.isArray(hole) && hole.length === 2 && hole.every(Number.isSafeInteger)))
        return false;
      this.holes += holes.length;
      this.sources.set(source, { high, holes: holes.map(([a, b]) => [a, b]), seen, since: 0, told: high });
    }
    return true;
  }

  /** All sources, for reports. */
  entries(): { source: string; high: number; holes: readonly Hole[]; seen: number }[] {
    return [...this.sources].map(([source, { high, holes, seen }]) => ({ source, high, holes, seen }));
  }
}
