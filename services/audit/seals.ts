// Compares a log with its checkpoints, and with those that were kept elsewhere.
import { isSignedBy, type SignedCheckpoint } from './checkpoint.ts';
import type { Findings } from './findings.ts';
import type { Frontier } from './merkle.ts';

/** A key whose signatures count: 04 ‖ x ‖ y. */
export interface KnownKey {
  point: Buffer;
}

/** A checkpoint that was kept elsewhere. */
export interface KeptCheckpoint {
  /** Where. */
  name: string;
  checkpoint: SignedCheckpoint;
  /** Why it proves nothing, by who keeps it. */
  problem?: string;
}

interface Seal {
  checkpoint: SignedCheckpoint;
  /** Name of the file of one that was kept elsewhere. */
  anchor?: string;
  problem?: string;
  /** Whether the log has this root. Undefined: not seen. */
  matches?: boolean;
}

interface Options {
  keys: readonly KnownKey[];
  anchors?: readonly KeptCheckpoint[];
  all?: boolean;
}

export class Seals {
  readonly count: number;
  /** Records that the last valid checkpoint covers. */
  covered = 0;
  private readonly origin: string;
  private readonly options: Options;
  private readonly findings: Findings;
  private readonly seals: Seal[];
  private readonly bySize = new Map<number, Seal[]>();

  constructor(origin: string, checkpoints: readonly SignedCheckpoint[], options: Options, findings: Findings) {
    this.origin = origin;
    this.options = options;
    this.findings = findings;
    this.count = checkpoints.length;
    const { anchors = [] } = options;
    this.seals = [
      ...checkpoints.map((checkpoint) => ({ checkpoint })),
      ...anchors.map(({ name, ...kept }) => ({ ...kept, anchor: name })),
    ];
    for (const seal of this.seals) {
      const { size } = seal.checkpoint;
      this.bySize.set(size, [...(this.bySize.get(size) ?? []), seal]);
    }
    this.clock(checkpoints);
  }

  /** Compares the tree of a size with its checkpoints. */
  see(tree: Frontier): void {
    const seals = this.bySize.get(tree.size);
    if (seals === undefined) return;
    const root = tree.root();
    for (const seal of seals) seal.matches = seal.checkpoint.root.equals(root);
  }

  /** Judges, once everything from `from` to before `size` was read. */
  end(from: number, size: number): void {
    const own = this.seals.filter(({ anchor }) => anchor === undefined);
    for (const seal of this.seals.filter(({ anchor }) => anchor !== undefined)) this.judgeAnchor(seal, from, size);
    const isSigned = (seal: Seal): boolean => this.isSigned(seal.checkpoint);
    const last = own.at(-1);
    if (last === undefined && size > 0) this.findings.add({ kind: 'missing', detail: 'the log has no checkpoint' });
    // The last valid one that matches proves all before it.
    const judged = this.options.all ? own : own.filter((seal) => seal === last || seal.matches === false);
    let isTold = false;
    for (const seal of judged) {
      const { checkpoint } = seal;
      if (checkpoint.origin !== this.origin) {
        this.findings.add({
          kind: 'foreign-checkpoint',
          from: checkpoint.size,
          detail: `a checkpoint is of ${checkpoint.origin}`,
        });
        continue;
      }
      if (!isSigned(seal)) {
        this.findings.add({
          kind: 'forged-checkpoint',
          from: checkpoint.size,
          detail: `the checkpoint of ${checkpoint.size} records has no signature of a known key`,
        });
        continue;
      }
      if (checkpoint.size > size) this.cutTail(size, checkpoint.size, 'its checkpoint');
      else if (seal.matches === false && !isTold) isTold = this.rewritten(seal, own);
    }
    this.covered = own.findLast((seal) => seal.matches === true && isSigned(seal))?.checkpoint.size ?? 0;
    if (from > 0 && !own.some((seal) => seal.checkpoint.size === from && seal.matches === true && isSigned(seal)))
      this.findings.add({ kind: 'forged-checkpoint', from, detail: 'no checkpoint proves the cut before this record' });
  }

  private isSigned(checkpoint: SignedCheckpoint): boolean {
    return this.options.keys.some(({ point }) => isSignedBy(checkpoint, checkpoint.origin, point));
  }

  private cutTail(size: number, to: number, by: string): void {
    if (!this.findings.explains(size, to))
      this.findings.add({
        kind: 'cut-tail',
        from: size,
        to: to - 1,
        detail: `the last records are missing: ${by} covers them`,
      });
  }

  /** Whether it was told. Between two checkpoints of which one matches something was changed and chained anew. */
  private rewritten(seal: Seal, own: readonly Seal[]): boolean {
    const { size } = seal.checkpoint;
    const before = own.findLast((one) => one.matches === true && one.checkpoint.size < size)?.checkpoint.size ?? 0;
    if (this.findings.explains(before, size)) return true;
    this.findings.add({
      kind: 'reforged',
      from: before,
      to: size - 1,
      detail: 'a record was changed, the last one or with the chain made anew: the signed root is another one',
    });
    return true;
  }

  private judgeAnchor(seal: Seal, from: number, size: number): void {
    const { checkpoint, anchor = '', problem } = seal;
    const at = { from: checkpoint.size, file: anchor };
    if (problem !== undefined) this.findings.add({ ...at, kind: 'foreign-checkpoint', detail: problem });
    else if (checkpoint.origin !== this.origin)
      this.findings.add({ ...at, kind: 'foreign-checkpoint', detail: `it is of ${checkpoint.origin}` });
    else if (!this.isSigned(checkpoint))
      this.findings.add({ ...at, kind: 'foreign-checkpoint', detail: 'it has no signature of a known key' });
    else if (checkpoint.size > size) this.cutTail(size, checkpoint.size, anchor);
    else if (checkpoint.size < from) {
      const twin = this.seals.find((one) => one.anchor === undefined && one.checkpoint.size === checkpoint.size);
      if (twin === undefined || !twin.checkpoint.root.equals(checkpoint.root))
        this.findings.add({ ...at, kind: 'reforged', detail: 'its records were cut, and the log knows no such root' });
    } else if (seal.matches !== true)
      this.findings.add({
        kind: 'reforged',
        from,
        to: checkpoint.size - 1,
        file: anchor,
        detail: 'the log is not the one whose root was kept: records up to here were changed',
      });
  }

  private clock(checkpoints: readonly SignedCheckpoint[]): void {
    let before: SignedCheckpoint | undefined;
    for (const checkpoint of checkpoints) {
      if (before !== undefined && checkpoint.size < before.size)
        this.findings.add({
          kind: 'forged-checkpoint',
          from: checkpoint.size,
          detail: 'it covers less than the one before it',
        });
      before = checkpoint;
    }
  }
}
