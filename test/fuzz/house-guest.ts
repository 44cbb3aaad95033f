// Detectors of a house as a test and a bench see them.
import { compileGuest, type Guest, type GuestExports } from './guest.ts';

interface HouseExports extends GuestExports {
  add(length: number): void;
  compile(): number;
  without(): void;
  scan(length: number, set: number): number;
  scanMany(length: number, set: number, times: number): number;
  found(): number;
}

/** Kinds from this one on are detectors. */
const FIRST_HOUSE = 64;

export class HouseGuest {
  readonly guest: Guest<HouseExports>;

  private constructor(guest: Guest<HouseExports>) {
    this.guest = guest;
  }

  static async start(): Promise<HouseGuest> {
    return new HouseGuest(await compileGuest<HouseExports>('test/fuzz/house'));
  }

  /** Takes these patterns. 0, or the error's number. */
  take(patterns: readonly string[]): number {
    const { exports } = this.guest;
    if (patterns.length === 0) {
      exports.without();
      return 0;
    }
    for (const pattern of patterns) exports.add(this.guest.put(pattern));
    return exports.compile();
  }

  /** Findings of the patterns in a text: number of the pattern, start and end (bytes). */
  scan(text: string): [pattern: number, start: number, end: number][] {
    const { exports } = this.guest;
    const count = exports.scan(this.guest.put(text), 0);
    const cells = new Uint32Array(exports.memory.buffer, exports.found() >>> 0, count * 3);
    return Array.from({ length: count }, (_, i) => [cells[i * 3 + 2]! - FIRST_HOUSE, cells[i * 3]!, cells[i * 3 + 1]!]);
  }
}
