/** Something that is wrong with a log, and where. */
export interface Finding {
  /**
   * `edited`, `missing`, `moved`, `cut-tail`, `reforged`, `foreign-checkpoint`, `forged-checkpoint`, `clock`, `torn`,
   * `repeated`, `malformed`.
   */
  kind: string;
  /** First and last record that it concerns. */
  from?: number;
  to?: number;
  file?: string;
  /** Where the line begins in the file, bytes. */
  offset?: number;
  detail: string;
}

/** Kinds after which hashes are others. */
const CHANGES = new Set(['edited', 'missing', 'moved', 'repeated', 'cut-tail', 'malformed', 'torn']);
/** More findings of one log are counted only. */
const MOST = 1_000;

/** Findings, of which related ones are put together. */
export class Findings {
  private readonly found: Finding[] = [];
  private readonly moved = new Set<number>();
  private more = 0;

  add(finding: Finding): void {
    if (this.found.length < MOST) this.found.push(finding);
    else this.more++;
  }

  /** A record stands where another one belongs. */
  place(index: number, expected: number, file: string, offset: number): void {
    this.moved.add(index);
    if (index > expected) {
      this.add({ kind: 'missing', from: expected, to: index - 1, file, offset, detail: 'records are missing here' });
      return;
    }
    const gap = this.found.find(({ kind, from = 0, to = -1 }) => kind === 'missing' && from <= index && index <= to);
    if (gap === undefined) {
      this.add({ kind: 'repeated', from: index, file, offset, detail: 'the record stands here once more' });
      return;
    }
    // What was missed before it stands after it: they were swapped.
    this.found.splice(this.found.indexOf(gap), 1);
    const { from = 0, to = 0 } = gap;
    if (from < index) this.add({ ...gap, to: index - 1 });
    if (index < to) this.add({ ...gap, from: index + 1 });
    this.add({ kind: 'moved', from: index, file, offset, detail: 'the record stands in the place of another' });
  }

  /** Whether a record was found in another place than its own. */
  isOutOfPlace(index: number): boolean {
    return this.moved.has(index) || this.moved.has(index + 1);
  }

  /** Whether something was found that explains another hash of the records [from, to). */
  explains(from: number, to: number): boolean {
    return this.found.some(
      (one) => CHANGES.has(one.kind) && one.from !== undefined && one.from < to && (one.to ?? one.from) >= from,
    );
  }

  list(): Finding[] {
    return this.more === 0
      ? this.found
      : [...this.found, { kind: 'malformed', detail: `${this.more} further findings` }];
  }
}
