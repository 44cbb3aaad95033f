// A module that Envoy would load. It is compiled once, and checked as Envoy does.
import { createHash } from 'node:crypto';
import { readBinary } from './binary.ts';
import type { BinaryFacts } from './binary.ts';
import { importType } from './signatures.ts';
import { MAX_KEPT_MODULES } from '../limits.ts';

export type LoadFailure =
  'corrupt' | 'abi-version' | 'missing-import' | 'import-type' | 'missing-function' | 'start-section' | 'initialize';

/** Envoy would refuse the module. `reason` is stable, and the message resembles Envoy's. */
export class LoadError extends Error {
  readonly reason: LoadFailure;

  constructor(reason: LoadFailure, message: string) {
    super(message);
    this.name = 'LoadError';
    this.reason = reason;
  }
}

export interface LoadedModule {
  readonly compiled: WebAssembly.Module;
  /** Names of exported functions. */
  readonly exports: ReadonlySet<string>;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Compiled modules by hash. Compiling is the only slow step, and callers dry-run the same module often. */
const loaded = new Map<string, LoadedModule>();

/**
 * Compiles and checks a module. Loading the same bytes again costs one SHA-256. Throws LoadError where Envoy 1.40
 * refuses the module: not WebAssembly, no `proxy_abi_version_0_2_1` (nor 0.2.0), an unknown import (`env.abort`,
 * `env.seed`, `env.trace`, …) or one of another type, no `malloc` / `proxy_on_memory_allocate`.
 */
export function loadModule(bytes: Uint8Array): LoadedModule {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const known = loaded.get(sha256);
  if (known !== undefined) return known;
  let compiled: WebAssembly.Module;
  let facts: BinaryFacts;
  try {
    compiled = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    facts = readBinary(bytes);
  } catch (error) {
    throw new LoadError('corrupt', `Failed to parse corrupted Wasm module: ${(error as Error).message}`);
  }
  checkFacts(facts);
  const module = { compiled, exports: facts.exports, sha256, bytes: bytes.length };
  if (loaded.size >= MAX_KEPT_MODULES) loaded.delete(loaded.keys().next().value!);
  loaded.set(sha256, module);
  return module;
}

function checkFacts(facts: BinaryFacts): void {
  if (!facts.exports.has('proxy_abi_version_0_2_1') && !facts.exports.has('proxy_abi_version_0_2_0'))
    throw new LoadError('abi-version', 'Missing or unknown Proxy-Wasm ABI version');
  const missing = [...facts.otherImports];
  for (const { module, name, type } of facts.imports) {
    const wanted = importType(module, name);
    if (wanted === null) missing.push(`${module}.${name}`);
    else if (wanted !== type)
      throw new LoadError(
        'import-type',
        `Failed to load Wasm module due to an import type mismatch: ${module}.${name}, module has ${type}, host has ${wanted}`,
      );
  }
  if (missing.length > 0)
    throw new LoadError('missing-import', `Failed to load Wasm module due to a missing import: ${missing.join(', ')}`);
  if (!facts.exports.has('malloc') && !facts.exports.has('proxy_on_memory_allocate'))
    throw new LoadError('missing-function', 'Wasm module is missing malloc function.');
}
