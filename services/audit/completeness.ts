// Which numbers of which sources a log has: the reader's side of the source ledger, without its bounds.
import type { Hole, SourceState } from './source-ledger.ts';

/** Knowledge of one source. */
export interface SourceReport {
  source: string;
  records: number;
  /** The highest number. */
  high: number;
  holes: Hole[];
  missing: number;
  /** Number of the missing ones that the source itself says it lost. */
  lost: number;
  /** Whether its last record says that it ended in order. */
  ended: boolean;
}

export class Completeness {
  private readonly sources = new Map<string, SourceReport>();
  /** Records whose number their source had already. */
  repeated = 0;

  /** Takes what an earlier, cut part of the log knew. */
  start(state: unknown): void {
    for (const [source, [high, holes]] of Object.entries((state ?? {}) as Record<string, SourceState>))
      this.sources.set(source, { source, records: 0, high, holes: [...holes], missing: 0, lost: 0, ended: false });
  }

  add(record: Record<string, unknown>): void {
    const { source, seq, kind } = record;
    if (typeof source !== 'string' || typeof seq !== 'number') return;
    let known = this.sources.get(source);
    if (known === undefined)
      this.sources.set(source, (known = { source, records: 0, high: 0, holes: [], missing: 0, lost: 0, ended: false }));
    known.records++;
    if (seq === known.high + 1) known.high = seq;
    else this.addLate(known, seq);
    known.ended = kind === 'stopped';
    // What a writer gives up keeps its number: the hole is there, and the gap explains it.
    if (kind === 'gap' && record['of'] === undefined && typeof record['lost'] === 'number')
      known.lost += record['lost'];
  }

  private addLate(known: SourceReport, seq: number): void {
    if (seq > known.high) {
      known.holes.push([known.high + 1, seq - 1]);
      known.high = seq;
      return;
    }
    const at = known.holes.findIndex(([from, to]) => from <= seq && seq <= to);
    if (at < 0) {
      this.repeated++;
      return;
    }
    const [from, to] = known.holes[at]!;
    const left: Hole[] = [];
    if (from < seq) left.push([from, seq - 1]);
    if (seq < to) left.push([seq + 1, to]);
    known.holes.splice(at, 1, ...left);
  }

  /** Sources with holes first. */
  report(): SourceReport[] {
    return [...this.sources.values()]
      .map((source) => ({ ...source, missing: source.holes.reduce((sum, [from, to]) => sum + to - from + 1, 0) }))
      .sort((a, b) => b.missing - a.missing);
  }
}
