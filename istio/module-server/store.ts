// Modules by the SHA-256 of their content. Each is read once, checked, kept in memory and never replaced.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_MODULE_BYTES, MAX_SERVED_MODULES } from '../limits.ts';

/** A file that the server cannot serve. */
export interface Refusal {
  file: string;
  reason: string;
}

const WASM_MAGIC = Buffer.from([0, 0x61, 0x73, 0x6d]);
const HASH_NAME = /^([0-9a-f]{64})\.wasm$/;

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
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const promised = HASH_NAME.exec(name)?.[1];
        if (!bytes.subarray(0, 4).equals(WASM_MAGIC)) refuse('it is no WebAssembly module');
        else if (promised !== undefined && promised !== sha256) refuse('its content is not what its name says');
        else modules.set(sha256, bytes);
      }
    }
  }
  return { modules, refused };
}
