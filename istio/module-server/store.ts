// Modules by the SHA-256 of their content. Those of the image are read once and never replaced. Those of other replicas
// are carried over, so that proxies which still name an earlier release find it after an upgrade.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_CARRIED_BYTES, MAX_CARRIED_MODULES, MAX_MODULE_BYTES, MAX_SERVED_MODULES } from '../limits.ts';

/** A file that the server cannot serve. */
export interface Refusal {
  file: string;
  reason: string;
}

/** A replica's word to others about one module. */
export interface HeldModule {
  sha256: string;
  bytes: number;
  /** Time since someone last asked for it, milliseconds. Null: nobody has. */
  idleMs: number | null;
}

const WASM_MAGIC = Buffer.from([0, 0x61, 0x73, 0x6d]);
const HASH_NAME = /^([0-9a-f]{64})\.wasm$/;

/** Why bytes are not the module that they are said to be. Undefined: they are. */
export function faultOf(bytes: Buffer, promised: string | undefined): string | undefined {
  if (!bytes.subarray(0, 4).equals(WASM_MAGIC)) return 'it is no WebAssembly module';
  return promised === undefined || promised === createHash('sha256').update(bytes).digest('hex')
    ? undefined
    : 'its content is not what its name says';
}

/** Reads the `.wasm` files of folders. A file that has a hash as its name must have that hash. */
export function readModules(folders: readonly string[]): { modules: Map<string, Buffer>; refused: Refusal[] } {
  const modules = new Map<string, Buffer>();
  const refused: Refusal[] = [];
  for (const folder of folders) {
    for (const name of readdirSync(folder)
      .filter((entry) => entry.endsWith('.wasm'))
      .sort()) {
      const file = join(folder, name);
      const refuse = (reason: string): void => void refused.push({ file, reason });
      if (modules.size >= MAX_SERVED_MODULES) refuse(`more than ${MAX_SERVED_MODULES} modules`);
      else if (statSync(file).size > MAX_MODULE_BYTES) refuse(`more than ${MAX_MODULE_BYTES} bytes`);
      else {
        const bytes = readFileSync(file);
        const fault = faultOf(bytes, HASH_NAME.exec(name)?.[1]);
        if (fault !== undefined) refuse(fault);
        else modules.set(createHash('sha256').update(bytes).digest('hex'), bytes);
      }
    }
  }
  return { modules, refused };
}

/** Modules of the image, and those carried over. When these find no room, the one that was idle longest goes. */
export class ModuleStore {
  private readonly own: ReadonlyMap<string, Buffer>;
  private readonly carried = new Map<string, Buffer>();
  /** Time of the last request by module, milliseconds of the process' clock. */
  private readonly askedAt = new Map<string, number>();
  private readonly onDropped: (sha256: string) => void;

  constructor(own: ReadonlyMap<string, Buffer>, onDropped: (sha256: string) => void = () => {}) {
    this.own = own;
    this.onDropped = onDropped;
  }

  has(sha256: string): boolean {
    return this.own.has(sha256) || this.carried.has(sha256);
  }

  /** The module, for a proxy's agent or for the operator, which asks for what is in force. */
  ask(sha256: string): Buffer | undefined {
    if (this.has(sha256)) this.askedAt.set(sha256, performance.now());
    return this.give(sha256);
  }

  /** The module, for another replica. That does not count as use. */
  give(sha256: string): Buffer | undefined {
    return this.own.get(sha256) ?? this.carried.get(sha256);
  }

  held(): HeldModule[] {
    return [...this.own, ...this.carried].map(([sha256, { length }]) => {
      const askedAt = this.askedAt.get(sha256);
      const idleMs = askedAt === undefined ? null : Math.round(performance.now() - askedAt);
      return { sha256, bytes: length, idleMs };
    });
  }

  /**
   * Takes a module of another replica. `idleMs`: as that one has told it. Its content has been compared with its hash.
   */
  carry(sha256: string, bytes: Buffer, idleMs: number | null): void {
    if (this.has(sha256) || bytes.length > MAX_CARRIED_BYTES) return;
    this.carried.set(sha256, bytes);
    if (idleMs !== null) this.askedAt.set(sha256, performance.now() - idleMs);
    const total = (): number => this.carried.values().reduce((sum, { length }) => sum + length, 0);
    while (this.carried.size > MAX_CARRIED_MODULES || total() > MAX_CARRIED_BYTES) {
      const asked = (name: string): number => this.askedAt.get(name) ?? -Infinity;
      const idlest = [...this.carried.keys()].reduce((a, b) => (asked(b) < asked(a) ? b : a));
      this.carried.delete(idlest);
      this.askedAt.delete(idlest);
      this.onDropped(idlest);
    }
  }
}
