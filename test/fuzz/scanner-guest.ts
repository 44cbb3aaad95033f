// The scanner of personal data as a test sees it.
import { readFileSync } from 'node:fs';
import { compileGuest, type Guest, type GuestExports } from './guest.ts';

interface ScannerExports extends GuestExports {
  scan(length: number, set: number): number;
  scanMany(length: number, set: number, times: number): number;
  found(): number;
}

/** Something that was found: its kind, and where it stands (bytes). */
export interface Finding {
  kind: string;
  start: number;
  end: number;
}

const table = JSON.parse(readFileSync(new URL('../../filters/field-masker/kinds.json', import.meta.url), 'utf8')) as {
  kinds: { kind: string; content: boolean }[];
};
/** Kinds by their number. */
const KINDS = table.kinds.map(({ kind }) => kind);
/** Kinds that are found by content, but for UnionPay's numbers without a check. */
export const CONTENT_KINDS = table.kinds
  .filter(({ kind, content }) => content && kind !== 'UnionPayCard')
  .map(({ kind }) => kind);

/** The set of kinds as the scanner takes it. */
export function setOf(kinds: readonly string[]): number {
  return kinds.reduce((set, kind) => set | (1 << KINDS.indexOf(kind)), 0);
}

/** A scanner in a module of its own. */
export class ScannerGuest {
  readonly guest: Guest<ScannerExports>;

  private constructor(guest: Guest<ScannerExports>) {
    this.guest = guest;
  }

  static async start(): Promise<ScannerGuest> {
    return new ScannerGuest(await compileGuest<ScannerExports>('test/fuzz/scanner'));
  }

  /** Findings in a text, by bytes. */
  scan(text: string | Uint8Array, set: number): Finding[] {
    const { exports } = this.guest;
    const count = exports.scan(this.guest.put(text), set);
    const cells = new Uint32Array(exports.memory.buffer, exports.found() >>> 0, count * 4);
    return Array.from({ length: count }, (_, i) => ({
      kind: KINDS[cells[i * 4 + 2]!]!,
      start: cells[i * 4]!,
      end: cells[i * 4 + 1]!,
    }));
  }
}
